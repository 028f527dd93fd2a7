import { FencelineError, LONGEST_MESSAGE, printable, shortened } from "@fenceline/api";

/** Why a query has no answer, with the code of its error. */
const CODES = {
  /** No connection, no TLS, or the answer broke off. */
  unreachable: "PROMETHEUS_UNREACHABLE",
  /** No answer in time, or the server gave the query up. */
  timeout: "PROMETHEUS_TIMEOUT",
  /** The query is no PromQL. */
  bad_data: "PROMETHEUS_BAD_DATA",
  /** The query is valid, and fails on the data: too many samples, a label twice. */
  execution: "PROMETHEUS_EXECUTION",
  unauthorized: "PROMETHEUS_UNAUTHORIZED",
  forbidden: "PROMETHEUS_FORBIDDEN",
  throttled: "PROMETHEUS_THROTTLED",
  /** Any other status below 500, such as 404 for a path that is wrong. */
  refused: "PROMETHEUS_REFUSED",
  /** A status from 500. */
  server: "PROMETHEUS_SERVER_FAILED",
  too_large: "PROMETHEUS_ANSWER_TOO_LARGE",
  /** No answer of Prometheus' API, or no vector and no scalar. */
  invalid: "PROMETHEUS_ANSWER_INVALID",
  /** A token, password, certificate or key cannot be read. */
  credentials: "PROMETHEUS_CREDENTIALS",
  /** One number was asked for, and there are several. */
  ambiguous: "PROMETHEUS_AMBIGUOUS",
} as const;

export type PrometheusFailure = keyof typeof CODES;

/** All of them, for whoever counts them. */
export const PROMETHEUS_FAILURES = Object.keys(CODES) as readonly PrometheusFailure[];

/** What is known of a query that failed. */
export interface FailureDetails {
  readonly failure: PrometheusFailure;
  /** Where it was sent; undefined where it was sent to none. */
  readonly server?: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A query that has no answer. */
export class PrometheusError extends FencelineError {
  readonly failure: PrometheusFailure;

  constructor({ failure, server, message, hint, cause }: FailureDetails) {
    // A proxy in front of the server may write a page.
    const said = printable(shortened(message, LONGEST_MESSAGE));
    super(CODES[failure], { message: server === undefined ? said : `${server}: ${said}`, hint, cause });
    this.failure = failure;
  }

  /** Whether the query itself is at fault: every server with the same series would fail on it. */
  get isOfQuery(): boolean {
    return this.failure === "bad_data" || this.failure === "execution" || this.failure === "ambiguous";
  }
}

/**
 * What the status of an answer says, where the server does not say it in its own words. A status
 * 400 without them is none of Prometheus', and says nothing of the query.
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
