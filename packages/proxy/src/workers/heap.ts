import type { ResourceLimits } from "node:worker_threads";

/**
 * Young generation of a worker's heap in MiB, a third of it for each half and as much for large objects. What a request leaves behind is dead within
 * milliseconds, so more only keeps dead memory resident: on a machine with 24 GB V8 takes 192 MiB by itself, which was 100 MB more under load and no faster. In a
 * container with little memory it takes 3 MiB by itself, which is collected so often that requests in flight grow old in it.
 */
const YOUNG_GENERATION = 24;

/** Limits of a worker's heap. The old generation is left to V8, which goes by the memory of the container; a lower limit costs speed. */
export const HEAP_LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION };
