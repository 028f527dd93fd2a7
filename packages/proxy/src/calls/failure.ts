import { Refusal } from "../refusals/refusal.ts";

/** How an attempt to forward failed. */
export interface Failure {
  readonly refusal: Refusal;
  /** Nothing of the request was sent, so the next endpoint may be tried whatever the method. */
  readonly unsent: boolean;
  /** The connection broke during the request; the caller has to decide whether a retry is safe. */
  readonly broken: boolean;
}

const CONNECT_FAILED: Failure = failure("CONNECT_FAILED", "the destination cannot be connected", { unsent: true });
const CONNECT_TIMED_OUT: Failure = failure("CONNECT_TIMED_OUT", "the destination did not accept the connection in time", { unsent: true });
const RESET: Failure = failure("UPSTREAM_RESET", "the destination closed the connection before it answered", { broken: true });
const TIMED_OUT: Failure = failure("UPSTREAM_TIMED_OUT", "the destination did not answer in time");
const INVALID: Failure = failure("UPSTREAM_INVALID", "the destination's answer is not valid HTTP/1.1");
const BUSY: Failure = failure("UPSTREAM_BUSY", "every connection to the destination is in use");

/** The fault is ours, which is for the message to say: the destination may be well. */
const NO_FILE: Failure = failure("CONNECT_FAILED", "no file descriptor is left for a connection to the destination", { unsent: true });

/** Without a connection, by the code of an UpstreamError or a system error. */
const NO_CONNECTION: Readonly<Record<string, Failure>> = {
  EMFILE: NO_FILE,
  ENFILE: NO_FILE,
  CONNECT_TIMED_OUT,
  // The proxy is stopping.
  CLOSED: RESET,
  BUSY,
};

/**
 * Classifies why there is no connection to an endpoint. Whatever the system error of a connect is,
 * nothing was sent, and another endpoint may be of another family, on another route, behind another
 * rule of a firewall, or one that a kept connection leads to where no file descriptor is left
 * (T-44). So every system error is `CONNECT_FAILED`.
 */
export function classifyNoConnection(error: Error): Failure {
  return NO_CONNECTION[codeOf(error)] ?? CONNECT_FAILED;
}

/** With a connection, by the code of an UpstreamError. */
const BY_CODE: Readonly<Record<string, Failure>> = {
  CLOSED: RESET,
  ECONNRESET: RESET,
  EPIPE: RESET,
  HEADERS_TIMED_OUT: TIMED_OUT,
  INVALID,
};

/**
 * Classifies what went wrong on a connection to a destination. A system error, whatever its code,
 * broke the connection: a reset, TCP keep-alive without an answer (ETIMEDOUT), a missing route
 * (EHOSTUNREACH). Anything else counts as an invalid answer.
 */
export function classifyFailure(error: Error): Failure {
  return "syscall" in error ? RESET : (BY_CODE[codeOf(error)] ?? INVALID);
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function failure(
  code: ConstructorParameters<typeof Refusal>[0],
  message: string,
  { unsent = false, broken = false }: Partial<Omit<Failure, "refusal">> = {},
): Failure {
  return { refusal: new Refusal(code, message), unsent, broken };
}
