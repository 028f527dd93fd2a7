import type { HostSource } from "@fenceline/api";

/** How the hosts of one fence age. */
export interface AgeingPolicy {
  /** Observed time, in milliseconds, that a host may go unseen. */
  readonly idleWindow: number;
  /** Shortest window in milliseconds, also for a host that has its own. Default 0. */
  readonly shortestWindow?: number;
  /**
   * Most hosts that calls may bring in, at least 1. A host beyond it gets the place of one that was
   * not seen within its window, or none.
   */
  readonly maxHosts: number;
  /**
   * Hosts that a person declared. They always find room, and do not count against `maxHosts`.
   * Default: none.
   */
  readonly declared?: ReadonlySet<string>;
  /** Largest share of the hosts that one round may remove, from 0 (exclusive) to 1. */
  readonly maxRemovedShare: number;
}

/** What is known of one destination host of a fence. Times are milliseconds of the wall clock. */
export interface HostRecord {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly requests: number;
  /** Ascending. */
  readonly ports: readonly number[];
}

/** What was true of the hosts of a fence at one moment. */
export interface EdgesSeen {
  /** By name. */
  readonly hosts: readonly HostRecord[];
  /** The last time at which the workload was observed, here or by another replica. */
  readonly observedUntil: number | undefined;
  /** Newcomers are turned away. */
  readonly isAtCapacity: boolean;
  /** Most hosts that calls may bring in. */
  readonly maxHosts: number;
}

/** A host that is put into the book without a call: restored, preloaded or imported. */
export interface HostSeed {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly requests?: number;
  readonly ports?: readonly number[];
  /** Own window in milliseconds, in place of the policy's. */
  readonly idleWindow?: number | undefined;
}

/** A host in the book. */
export interface HostEntry {
  readonly host: string;
  readonly source: HostSource;
  firstSeen: number;
  lastSeen: number;
  requests: number;
  ports: readonly number[];
  idleWindow: number | undefined;
  /** Observed time at the last sighting. */
  seenAt: number;
}
