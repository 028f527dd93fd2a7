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
  /**
   * Those of them that age by use, each with a window of its own in milliseconds; undefined:
   * `idleWindow`. Default: none.
   */
  readonly byUse?: ReadonlyMap<string, number | undefined>;
  /** Window in milliseconds of preloaded hosts that come without one. Default `idleWindow`. */
  readonly preloadedFor?: number | undefined;
  /**
   * The warm-up is the whole mesh: its hosts always find room, and take none until they are called.
   * Default false.
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
  /** Own window in milliseconds. Not there: the policy's. */
  readonly idleWindow?: number;
}

/** The resets of a fence that were done last, in short. Undefined: none was. */
export interface ResetsDone {
  /** That which its annotation asked for. */
  readonly annotated?: string | undefined;
  /** That which the API was asked for. */
  readonly asked?: string | undefined;
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
  /** The warm-up that was put in last, in short; undefined before any was. */
  readonly warmedUp?: string | undefined;
  /** The resets that were done last. Default: none was. */
  readonly resets?: ResetsDone;
  /** Declared hosts that age by use. Default: none. */
  readonly byUse?: AgeingPolicy["byUse"];
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
  /** For how long it was not called already, in milliseconds. Default 0. */
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
  /** Whether it counts against `maxHosts`, as {@link Room} has it. */
  takesRoom: boolean;
}

/** What is told of an entry. */
export function recordOf({ host, source, firstSeen, lastSeen, requests, ports, idleWindow }: HostEntry): HostRecord {
  return { host, source, firstSeen, lastSeen, requests, ports, ...(idleWindow !== undefined && { idleWindow }) };
}

/** How far clocks may be apart, in milliseconds, as where statuses are merged. */
const CLOCK_SKEW = 5 * 60_000;

/** A host was called now. */
export function moveTimes(known: HostEntry, now: number): void {
  // One that is late is no news. One that is far behind tells that a clock was ahead before.
  if (now > known.lastSeen || known.lastSeen - now > CLOCK_SKEW) known.lastSeen = now;
  known.firstSeen = Math.min(known.firstSeen, known.lastSeen);
}
