import type { FenceKey } from "@fenceline/api";

/** Calls of one fence's workload to one port of a host, as a source of telemetry saw them. */
export interface Sighting {
  readonly fence: FenceKey;
  /** Fully qualified. The source has found it among the Services that exist. */
  readonly host: string;
  /** Undefined where it is not known, as metrics have none. */
  readonly port: number | undefined;
  /** How many calls; 0 for one that still goes on, which is counted when it ends. */
  readonly requests: number;
  /** Milliseconds of the wall clock. */
  readonly at: number;
  /**
   * The workload itself was refused. Such a call keeps a host that is known, and teaches no new
   * one: nobody needs to see what it may not call. Default false.
   */
  readonly denied?: boolean;
  /**
   * What says that the host was called is a good reason to keep it, and none to learn it: anybody
   * may write any Host. Default false.
   */
  readonly keepsOnly?: boolean;
  /**
   * Nobody is known to have registered the host. It counts where a person declared it, or a
   * wildcard that stands for it, to age by use. Default false.
   */
  readonly declaredOnly?: boolean;
  /**
   * `x-request-id` of the call, where it has one. It is for the log alone, and read only where
   * level debug is logged.
   */
  readonly requestId?: string | undefined;
}

/**
 * What became of a sighting.
 *
 * - `seen`: the host is in the fence, be it new or known
 * - `unknown_fence`: no such fence learns
 * - `denied`: a new host, and the call was refused
 * - `at_capacity`: a new host, and the fence has no room for it
 * - `hidden`: a new host, which the fence's pods did not see without the fence either
 * - `denied_by_policy`: a new host, which AuthorizationPolicies let no call of the fence reach
 * - `not_kept`: a new host, and the sighting may only keep one, or one that nobody declared
 */
export type SightingOutcome = "seen" | "unknown_fence" | "denied" | "at_capacity" | "hidden" | "denied_by_policy" | "not_kept";

/** Where sources of telemetry tell what they see. Nothing in it waits, or throws. */
export interface SightingSink {
  /**
   * Whether a fence learns: what is told of any other is dropped, so a source may spare the work.
   */
  learns(fence: FenceKey): boolean;
  /**
   * All that the workload's own proxies do was observed until `at`, whatever they called. Only this
   * advances the fence's observed time, and hosts age by that. A source that sees a part of the
   * calls does not tell it: else hosts that it does not see would age out while they are in use.
   *
   * @param now milliseconds of our own wall clock, where the source learns of it later. Default
   * `at`
   */
  observed(fence: FenceKey, at: number, now?: number): void;
  sighted(sighting: Sighting): SightingOutcome;
}

/** A source that is under way. */
export interface RunningSource {
  /** Resolves when it tells nothing any more. Never fails. */
  close(): Promise<void>;
}

/** Whatever tells of calls: access logs, the fallback's reports, metrics, subscriptions. */
export interface TelemetrySource {
  /** Begins to tell. */
  start(sink: SightingSink): Promise<RunningSource>;
}
