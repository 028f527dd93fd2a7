import type { Clock } from "../clock.ts";
import { hasStatus } from "./api-error.ts";

/** Tries of one write before the caller's own back-off takes over. */
const TRIES = 5;
/**
 * Longest pause before the next try after a conflict, in milliseconds. It is shortened at random,
 * so that two writers do not conflict again.
 */
const CONFLICT_PAUSE = 100;
/**
 * Longest pause for which a write waits here, in milliseconds. If the server asks for more, the
 * caller has to wait: a write that waits here counts as under way, and is not reported. The API
 * server itself asks for a second.
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
 * Runs a write, and repeats it after a conflict (409), or when the server asks for a short wait
 * (429 or 503 with Retry-After).
 *
 * @param attempt gets whether it must read the object again, because the former try met a conflict
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
