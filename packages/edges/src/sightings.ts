import type { FenceKey } from "@fenceline/api";

/** Calls of one fence's workload to one port of a host, as a source of telemetry saw them. */
export interface Sighting {
  readonly fence: FenceKey;
  /** Fully qualified. The source has checked that such a Service exists. */
  readonly host: string;
  /** Undefined where it is not known, as in metrics. */
  readonly port: number | undefined;
  /** How many calls; 0 for one that still goes on, which is counted when it ends. */
  readonly requests: number;
  /** Milliseconds of the wall clock. */
  readonly at: number;
  /**
   * The workload itself was refused. Such a call keeps a known host, and teaches no new one: a
   * workload need not see what it may not call. Default false.
   */
  readonly denied?: boolean;
  /**
   * The evidence for the call is good enough to keep the host, but not to learn it: anybody may
   * write any Host. Default false.
   */
  readonly keepsOnly?: boolean;
  /**
   * Nobody is known to have registered the host. It counts only where a person declared it, or a
   * wildcard that stands for it, to age by use. Default false.
   */
  readonly declaredOnly?: boolean;
  /**
   * `x-request-id` of the call, where it has one. Only for the log, and read only at level debug.
   */
  readonly requestId?: string | undefined;
}

/**
 * The outcome of a sighting.
 *
 * - `seen`: the host is in the fence, new or known
 * - `unknown_fence`: no such fence learns
 * - `denied`: a new host, and the call was refused
 * - `at_capacity`: a new host, for which the fence has no room
 * - `hidden`: a new host, which the fence's pods did not see without the fence either
 * - `denied_by_policy`: a new host, to which AuthorizationPolicies refuse all calls of the fence
 * - `not_kept`: a new host, and the sighting may only keep one, or one that nobody declared
 */
export type SightingOutcome = "seen" | "unknown_fence" | "denied" | "at_capacity" | "hidden" | "denied_by_policy" | "not_kept";

/** Where sources of telemetry report what they see. Nothing in it waits, or throws. */
export interface SightingSink {
  /**
   * Whether a fence learns. What is reported for any other is dropped, so a source may save the
   * work.
   */
  learns(fence: FenceKey): boolean;
  /**
   * All calls of the workload's own proxies were observed until `at`, whatever they called. Only
   * this advances the fence's observed time, by which hosts age. A source that sees only some of
   * the calls does not report it: otherwise hosts that it does not see would age out while they are
   * in use.
   *
   * @param now milliseconds of our own wall clock, where the source learns of it later. Default
   * `at`
   */
  observed(fence: FenceKey, at: number, now?: number): void;
  sighted(sighting: Sighting): SightingOutcome;
}

/** A source that is running. */
export interface RunningSource {
  /** Resolves when it reports nothing any more. Never fails. */
  close(): Promise<void>;
}

/** Any source of calls: access logs, the fallback's reports, metrics, subscriptions. */
export interface TelemetrySource {
  /** Begins to report. */
  start(sink: SightingSink): Promise<RunningSource>;
}
