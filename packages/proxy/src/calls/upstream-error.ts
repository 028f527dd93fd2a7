/**
 * - `CONNECT_TIMED_OUT`: TCP did not connect in time.
 * - `CLOSED`: the connection ended before the answer was complete.
 * - `HEADERS_TIMED_OUT`: the answer did not begin in time.
 * - `INVALID`: what came is no HTTP/1.1 answer.
 * - `BUSY`: every connection to the address is in use, and no more requests may wait for one.
 *
 * Any other code is that of a system error.
 */
export type UpstreamErrorCode = "CONNECT_TIMED_OUT" | "CLOSED" | "HEADERS_TIMED_OUT" | "INVALID" | "BUSY";

/** Why an exchange with a destination failed. The message is for people. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly code: UpstreamErrorCode;

  constructor(code: UpstreamErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The thrown value as an error, if it is none. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
