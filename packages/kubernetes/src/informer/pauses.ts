import { hasStatus } from "../client/api-error.ts";

/** Shortest and longest pause between two tries, in milliseconds. */
export const SHORTEST_PAUSE = 1_000;
export const LONGEST_PAUSE = 30_000;
/** Pauses from 2 s on, doubling. Half of one is the least that is left of it. */
export const PAUSES = { first: 2 * SHORTEST_PAUSE, longest: LONGEST_PAUSE };
/**
 * Longest pause, in milliseconds, while a kind is absent or forbidden. The answer costs the API
 * server next to nothing, and whoever has just installed the CRD, or granted the right, waits for
 * what follows.
 */
export const LONGEST_UNAVAILABLE_PAUSE = 5_000;

/** What the API server asks for, in milliseconds. */
export function retryAfterOf(error: unknown): number {
  return hasStatus(error, 429, 503) ? (error.retryAfter ?? 0) : 0;
}
