import { ApiError } from "../client/api-error.ts";

/**
 * - `starting`: nothing was listed yet
 * - `watching`: what is known is current
 * - `disconnected`: the API server cannot be reached, or refuses to serve. What was known last
 *   stays in force
 * - `unavailable`: we may not read the kind (403), or the server does not have it (404)
 */
export type InformerState = "starting" | "watching" | "disconnected" | "unavailable";

/**
 * Why a list or a watch failed. A closed set, for metrics.
 *
 * - `unreachable`: no answer
 * - `unauthorized`: the API server refuses our credentials (401)
 * - `forbidden`: a right is missing (403)
 * - `absent`: the API server does not have the kind (404)
 * - `throttled`: the API server asks to wait (429)
 * - `failed`: anything else
 */
const FAILURE_REASONS = ["unreachable", "unauthorized", "forbidden", "absent", "throttled", "failed"] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

const REASON_OF_STATUS: Readonly<Record<number, FailureReason>> = {
  0: "unreachable",
  401: "unauthorized",
  403: "forbidden",
  404: "absent",
  429: "throttled",
};

/** The reason of an error that a request threw. */
export function failureReason(error: unknown): FailureReason {
  return (error instanceof ApiError ? REASON_OF_STATUS[error.status] : undefined) ?? "failed";
}

/** Events since the start, for metrics. */
export interface InformerCounts {
  lists: number;
  watches: number;
  /** Watches that were refused or ended by 410 Gone. */
  gone: number;
  /** Lines of a watch that were not events. Each caused a new list. */
  brokenLines: number;
  /** Invalid versions of objects. */
  invalidVersions: number;
  /** Errors that the event handler threw. */
  handlerErrors: number;
  /** Other failed requests, by reason. */
  failures: Record<FailureReason, number>;
}

/** The state of one informer. */
export interface InformerHealth {
  readonly kind: string;
  readonly apiVersion: string;
  readonly state: InformerState;
  /** Why it is not watching; undefined while it is watching. */
  readonly reason: string | undefined;
  /** Whether the API server's last answer was that it does not have the kind. */
  readonly absent: boolean;
  /**
   * Milliseconds since the last good answer of the API server about the kind; undefined when there
   * was none. A quiet watch gets a bookmark every minute.
   */
  readonly contactAge: number | undefined;
  /** Whether a list was ever complete. Only then a missing object means that there is none. */
  readonly synced: boolean;
  readonly objects: number;
  /** Number of objects without any valid version. */
  readonly invalid: number;
  readonly counts: Readonly<InformerCounts>;
}

export function noCounts(): InformerCounts {
  const failures = Object.fromEntries(FAILURE_REASONS.map((reason) => [reason, 0])) as Record<FailureReason, number>;
  return { lists: 0, watches: 0, gone: 0, brokenLines: 0, invalidVersions: 0, handlerErrors: 0, failures };
}
