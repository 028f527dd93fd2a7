import { hasStatus } from "../client/api-error.ts";

/** Shortest and longest pause between two tries, in milliseconds. */
export const SHORTEST_PAUSE = 1_000;
export const LONGEST_PAUSE = 30_000;
/**
 * Pauses from 2 s, doubled each time. At least half of a pause remains after it is shortened at
 * random.
 */
export const PAUSES = { first: 2 * SHORTEST_PAUSE, longest: LONGEST_PAUSE };
/**
 * Longest pause, in milliseconds, while a kind is absent or forbidden. The answer costs the API
 * server almost nothing, and somebody who has just installed the CRD, or granted the right, is
 * waiting.
 */
export const LONGEST_UNAVAILABLE_PAUSE = 5_000;

/** The pause that the API server asks for, in milliseconds. */
export function retryAfterOf(error: unknown): number {
  return hasStatus(error, 429, 503) ? (error.retryAfter ?? 0) : 0;
}
