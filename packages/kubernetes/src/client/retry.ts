import type { Clock } from "../clock.ts";
import { hasStatus } from "./api-error.ts";

/** Tries of one write before the caller's own back-off takes over. */
const TRIES = 5;
/**
 * Longest pause before the next try of a conflict, in milliseconds; shortened at random so that two
 * writers do not meet again.
 */
const CONFLICT_PAUSE = 100;
/**
 * A server that asks for a longer pause than this, in milliseconds, is left to the caller. A write
 * that waits here keeps its place among those under way, and nobody is told that it waits. What an
 * API server itself asks for is a second.
 */
const LONGEST_WAIT = 1_000;

/** Settings of {@link withRetries}. */
export interface RetryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Between 0 and 1. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Runs a write, and again after a conflict (409) or when the server asked to wait for a moment (429
 * or 503 with Retry-After).
 *
 * @param attempt told whether it must look at the object anew, because the former try met a
 * conflict
 * @throws what the last attempt threw
 */
export async function withRetries<T>(attempt: (afterConflict: boolean) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, random = Math.random } = options;
  let afterConflict = false;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(afterConflict);
    } catch (error) {
      const pause = pauseAfter(error, random);
      if (pause === undefined || tries === TRIES || signal?.aborted) throw error;
      afterConflict ||= hasStatus(error, 409);
      await clock.sleep(pause, signal);
    }
  }
}

function pauseAfter(error: unknown, random: () => number): number | undefined {
  if (hasStatus(error, 409)) return CONFLICT_PAUSE * random();
  if (hasStatus(error, 429, 503) && error.retryAfter !== undefined && error.retryAfter <= LONGEST_WAIT) return error.retryAfter;
  return undefined;
}
