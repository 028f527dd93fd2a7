import { getHeapStatistics } from "node:v8";
import type { ResourceLimits } from "node:worker_threads";

/**
 * Young generation of a worker's heap in MiB, a third of it for each half and as much for large
 * objects. What a request leaves behind is dead within milliseconds, so more only keeps dead memory
 * resident: on a machine with 24 GB V8 takes 192 MiB by itself, which was 100 MB more under load
 * and no faster. In a container with little memory it takes 3 MiB by itself, which is collected so
 * often that requests in flight grow old in it.
 */
const YOUNG_GENERATION = 24;

/**
 * Most of a worker's old generation in MiB. 1,000 busy connections hold 20 of it. A heap that may
 * grow beyond 2 GiB is let grow to four times of what is alive before it is collected, a smaller
 * one to twice at most: 175 MB in place of 245 under 1,000 busy connections, for 2 % more time in
 * collections.
 */
const OLD_GENERATION = 1_024;

/**
 * Limits of a worker's heap. In a container with little memory V8's own limit is lower, and stays.
 */
export function heapLimits(ownLimit: number = getHeapStatistics().heap_size_limit): ResourceLimits {
  return {
    maxYoungGenerationSizeMb: YOUNG_GENERATION,
    maxOldGenerationSizeMb: Math.min(OLD_GENERATION, Math.floor(ownLimit / 2 ** 20)),
  };
}
