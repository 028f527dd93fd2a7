import { setTimeout as delay } from "node:timers/promises";
import { FencelineError } from "@fenceline/api";

/** How to wait for a condition. */
export interface UntilOptions {
  /** Longest wait in milliseconds. Default 30,000. */
  readonly timeout?: number;
  /** Milliseconds between two calls of `look`. Default 20. */
  readonly interval?: number;
  /** Ends the wait when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Throws when waiting is useless, for example because the process has ended. */
  readonly stillPossible?: () => void;
}

/** Results that mean "not yet" to {@link until}. */
export type NotYet = false | undefined;

/**
 * Calls `look` until it returns something, and returns that. An error of `look` counts as "not
 * yet".
 *
 * @param what finishes the sentence "gave up waiting for …"
 * @throws {FencelineError} `LAB_TIMEOUT`, with the last error of `look`
 */
export async function until<T>(what: string, look: () => Promise<T | NotYet> | T | NotYet, options: UntilOptions = {}): Promise<T> {
  const { timeout = 30_000, interval = 20, signal, stillPossible = () => {} } = options;
  const deadline = performance.now() + timeout;
  let last: unknown;
  for (;;) {
    signal?.throwIfAborted();
    stillPossible();
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw gaveUp(what, timeout, last);
    await delay(interval);
  }
}

function gaveUp(what: string, timeout: number, last: unknown): FencelineError {
  const reason = last === undefined ? "" : `: ${last instanceof Error ? last.message : String(last)}`;
  return new FencelineError("LAB_TIMEOUT", { message: `gave up waiting for ${what} after ${timeout / 1_000} s${reason}`, cause: last });
}
