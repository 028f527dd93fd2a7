/**
 * - `starting`: nothing was listed yet
 * - `watching`: what is known is current
 * - `disconnected`: the API server cannot be reached or refuses to serve; what was known last stays in force
 * - `unavailable`: we may not read the kind (403), or the server does not know it (404)
 */
export type InformerState = "starting" | "watching" | "disconnected" | "unavailable";

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
  /** Requests that failed for other reasons. */
  failures: number;
}

/** How one informer is. */
export interface InformerHealth {
  readonly kind: string;
  readonly apiVersion: string;
  readonly state: InformerState;
  /** Why it is not watching; undefined while it is. */
  readonly reason: string | undefined;
  /** Whether a list was ever complete: only then does a missing object mean that there is none. */
  readonly synced: boolean;
  readonly objects: number;
  /** Objects of which no version was valid. */
  readonly invalid: number;
  readonly counts: Readonly<InformerCounts>;
}

export function noCounts(): InformerCounts {
  return { lists: 0, watches: 0, gone: 0, brokenLines: 0, invalidVersions: 0, handlerErrors: 0, failures: 0 };
}
