import { Refusal } from "../refusal.ts";

/** How a forwarding attempt failed. */
export interface Failure {
  readonly refusal: Refusal;
  /** Nothing of the request was sent, so that the next endpoint may be tried whatever the method. */
  readonly unsent: boolean;
  /** The connection broke under the request; whether a retry is safe is for the caller to know. */
  readonly broken: boolean;
}

const CONNECT_FAILED: Failure = failure("CONNECT_FAILED", "the destination cannot be connected", { unsent: true });
const CONNECT_TIMED_OUT: Failure = failure("CONNECT_TIMED_OUT", "the destination did not accept the connection in time", { unsent: true });
const RESET: Failure = failure("UPSTREAM_RESET", "the destination closed the connection before it answered", { broken: true });
const TIMED_OUT: Failure = failure("UPSTREAM_TIMED_OUT", "the destination did not answer in time");
const INVALID: Failure = failure("UPSTREAM_INVALID", "the destination's answer is not valid HTTP/1.1");
const BUSY: Failure = failure("UPSTREAM_BUSY", "every connection to the destination is in use");

/** Our own want, not the destination's fault: another endpoint would need a file descriptor too. */
const NO_FILE: Failure = failure("OVERLOADED", "no file descriptor is left for a connection to the destination");

/** By the code of an UpstreamError or a system error. */
const BY_CODE: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: CONNECT_FAILED,
  EHOSTUNREACH: CONNECT_FAILED,
  ENETUNREACH: CONNECT_FAILED,
  EADDRNOTAVAIL: CONNECT_FAILED,
  EACCES: CONNECT_FAILED,
  EMFILE: NO_FILE,
  ENFILE: NO_FILE,
  CONNECT_TIMED_OUT,
  ETIMEDOUT: CONNECT_TIMED_OUT,
  ECONNRESET: RESET,
  EPIPE: RESET,
  CLOSED: RESET,
  HEADERS_TIMED_OUT: TIMED_OUT,
  INVALID,
  BUSY,
};

/** Classifies what went wrong between us and a destination. What is not listed is taken for an invalid answer. */
export function classifyFailure(error: Error): Failure {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return BY_CODE[code] ?? INVALID;
}

function failure(
  code: ConstructorParameters<typeof Refusal>[0],
  message: string,
  { unsent = false, broken = false }: Partial<Omit<Failure, "refusal">> = {},
): Failure {
  return { refusal: new Refusal(code, message), unsent, broken };
}
