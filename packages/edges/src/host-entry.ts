import type { HostSource } from "@fenceline/api";

/** How the hosts of one fence age. */
export interface AgeingPolicy {
  /** Observed time, in milliseconds, after which a host that is not seen ages out. */
  readonly idleWindow: number;
  /** Shortest window in milliseconds, even for a host that has its own. Default 0. */
  readonly shortestWindow?: number;
  /**
   * Most hosts that calls may add, at least 1. A further host replaces one that was not seen within
   * its window, or is not added.
   */
  readonly maxHosts: number;
  /**
   * Hosts that a person declared. There is always room for them, and they do not count against
   * `maxHosts`. Default: none.
   */
  readonly declared?: ReadonlySet<string>;
  /**
   * Those of them that age by use, each with its own window in milliseconds; undefined:
   * `idleWindow`. Default: none.
   */
  readonly byUse?: ReadonlyMap<string, number | undefined>;
  /** Window in milliseconds of preloaded hosts without one. Default `idleWindow`. */
  readonly preloadedFor?: number | undefined;
  /**
   * The warm-up is the whole mesh: there is always room for its hosts, and they take none until
   * they are called. Default false.
   */
  readonly preloadsAll?: boolean;
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
  /** Own window in milliseconds. Undefined: the policy's. */
  readonly idleWindow?: number;
}

/** The resets of a fence that were done last, in short form. Undefined: none was. */
export interface ResetsDone {
  /** The one for which its annotation asked. */
  readonly annotated?: string | undefined;
  /** The one for which the API was asked. */
  readonly asked?: string | undefined;
}

/** The state of the hosts of a fence at one moment. */
export interface EdgesSeen {
  /** Ordered by name. */
  readonly hosts: readonly HostRecord[];
  /** The last time at which the workload was observed, here or by another replica. */
  readonly observedUntil: number | undefined;
  /** There is no room for a new host. */
  readonly isAtCapacity: boolean;
  /** Most hosts that calls may add. */
  readonly maxHosts: number;
  /** The warm-up that was added last, in short form; undefined before any was. */
  readonly warmedUp?: string | undefined;
  /** The resets that were done last. Default: none was. */
  readonly resets?: ResetsDone;
  /** Declared hosts that age by use. Default: none. */
  readonly byUse?: AgeingPolicy["byUse"];
}

/** A host that is added to the book without a call: restored, preloaded or imported. */
export interface HostSeed {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly requests?: number;
  readonly ports?: readonly number[];
  /** Own window in milliseconds, instead of the policy's. */
  readonly idleWindow?: number | undefined;
  /** For how many milliseconds it has not been called already. Default 0. */
  readonly idleFor?: number;
}

/** A host in the book. */
export interface HostEntry {
  readonly host: string;
  source: HostSource;
  firstSeen: number;
  lastSeen: number;
  requests: number;
  ports: readonly number[];
  idleWindow: number | undefined;
  /** Observed time at the last sighting. */
  seenAt: number;
  /** Whether it counts against `maxHosts`, see {@link Room}. */
  takesRoom: boolean;
}

/** The public part of an entry. */
export function recordOf({ host, source, firstSeen, lastSeen, requests, ports, idleWindow }: HostEntry): HostRecord {
  return { host, source, firstSeen, lastSeen, requests, ports, ...(idleWindow !== undefined && { idleWindow }) };
}

/** How far clocks may differ, in milliseconds, as where statuses are merged. */
const CLOCK_SKEW = 5 * 60_000;

/** A host was called now. */
export function moveTimes(known: HostEntry, now: number): void {
  // A time that is a little earlier is late, and changes nothing. One that is much earlier shows
  // that a clock was ahead before.
  if (now > known.lastSeen || known.lastSeen - now > CLOCK_SKEW) known.lastSeen = now;
  known.firstSeen = Math.min(known.firstSeen, known.lastSeen);
}
