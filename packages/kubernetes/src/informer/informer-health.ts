import { ApiError } from "../client/api-error.ts";

/**
 * - `starting`: nothing was listed yet
 * - `watching`: what is known is current
 * - `disconnected`: the API server cannot be reached or refuses to serve; what was known last stays
 *   in force
 * - `unavailable`: we may not read the kind (403), or the server does not know it (404)
 */
export type InformerState = "starting" | "watching" | "disconnected" | "unavailable";

/**
 * Why a list or a watch failed. A closed set, for metrics.
 *
 * - `unreachable`: no answer
 * - `unauthorized`: the API server does not know us (401)
 * - `forbidden`: a right is missing (403)
 * - `absent`: the API server does not know the kind (404)
 * - `throttled`: it asks to wait (429)
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

/** The class of what a request threw. */
export function failureReason(error: unknown): FailureReason {
  return (error instanceof ApiError ? REASON_OF_STATUS[error.status] : undefined) ?? "failed";
}

/** Events since the start, for metrics. */
export interface InformerCounts {
  lists: number;
  watches: number;
  /** Watches refused or ended by 410 Gone. */
  gone: number;
  /** Lines of a watch that were no event. Each forced a new list. */
  brokenLines: number;
  /** Versions of objects that were not valid. */
  invalidVersions: number;
  /** Throws of the event handler. */
  handlerErrors: number;
  /** Requests that failed for other reasons, by reason. */
  failures: Record<FailureReason, number>;
}

/** How one informer is. */
export interface InformerHealth {
  readonly kind: string;
  readonly apiVersion: string;
  readonly state: InformerState;
  /** Why it is not watching; undefined while it is. */
  readonly reason: string | undefined;
  /** Whether the API server said last that it does not know the kind. */
  readonly absent: boolean;
  /**
   * Since when the API server has said nothing good about the kind, in milliseconds; undefined when
   * it never has. A quiet watch gets a bookmark a minute.
   */
  readonly contactAge: number | undefined;
  /** Whether a list was ever complete: only then does a missing object mean that there is none. */
  readonly synced: boolean;
  readonly objects: number;
  /** Objects of which no version was valid. */
  readonly invalid: number;
  readonly counts: Readonly<InformerCounts>;
}

export function noCounts(): InformerCounts {
  const failures = Object.fromEntries(FAILURE_REASONS.map((reason) => [reason, 0])) as Record<FailureReason, number>;
  return { lists: 0, watches: 0, gone: 0, brokenLines: 0, invalidVersions: 0, handlerErrors: 0, failures };
}
