import { FencelineError, LONGEST_MESSAGE, printable, shortened } from "@fenceline/api";

/** Why a query has no answer, with the code of its error. */
const CODES = {
  /** No connection, no TLS, or an incomplete answer. */
  unreachable: "PROMETHEUS_UNREACHABLE",
  /** No answer in time, or the server cancelled the query. */
  timeout: "PROMETHEUS_TIMEOUT",
  /** The query is not PromQL. */
  bad_data: "PROMETHEUS_BAD_DATA",
  /** The query is valid, but fails on the data: too many samples, a label twice. */
  execution: "PROMETHEUS_EXECUTION",
  unauthorized: "PROMETHEUS_UNAUTHORIZED",
  forbidden: "PROMETHEUS_FORBIDDEN",
  throttled: "PROMETHEUS_THROTTLED",
  /** Any other status below 500, such as 404 for a wrong path. */
  refused: "PROMETHEUS_REFUSED",
  /** A status from 500. */
  server: "PROMETHEUS_SERVER_FAILED",
  too_large: "PROMETHEUS_ANSWER_TOO_LARGE",
  /** Not an answer of Prometheus' API, or neither a vector nor a scalar. */
  invalid: "PROMETHEUS_ANSWER_INVALID",
  /** A token, password, certificate or key cannot be read. */
  credentials: "PROMETHEUS_CREDENTIALS",
  /** One number was asked for, and there are several. */
  ambiguous: "PROMETHEUS_AMBIGUOUS",
} as const;

export type PrometheusFailure = keyof typeof CODES;

/** All reasons, for metrics. */
export const PROMETHEUS_FAILURES = Object.keys(CODES) as readonly PrometheusFailure[];

/** What is known about a failed query. */
export interface FailureDetails {
  readonly failure: PrometheusFailure;
  /** The server to which it was sent; undefined when there was none. */
  readonly server?: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A query has no answer. */
export class PrometheusError extends FencelineError {
  readonly failure: PrometheusFailure;

  constructor({ failure, server, message, hint, cause }: FailureDetails) {
    // A proxy in front of the server may return a whole page.
    const said = printable(shortened(message, LONGEST_MESSAGE));
    super(CODES[failure], { message: server === undefined ? said : `${server}: ${said}`, hint, cause });
    this.failure = failure;
  }

  /** Whether the query itself is wrong: it would fail on every server with the same series. */
  get isOfQuery(): boolean {
    return this.failure === "bad_data" || this.failure === "execution" || this.failure === "ambiguous";
  }
}

/**
 * The reason by the status of an answer, if the server does not give one. A status 400 without a
 * reason is not from Prometheus, and says nothing about the query.
 */
export function failureOfStatus(status: number): PrometheusFailure {
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 408:
    case 504:
      return "timeout";
    case 429:
      return "throttled";
    default:
      return status >= 500 ? "server" : "refused";
  }
}
