import type { HostSource } from "@fenceline/api";

/** A host in a fence's book of edges. Times are milliseconds of the wall clock. */
export interface SeenHost {
  readonly host: string;
  readonly source: HostSource;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly requests: number;
  readonly ports: readonly number[];
}

/** For how long a workload was observed, and how often it calls its rarest host. */
export interface Observation {
  /** The first call that is remembered; undefined where there is none. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  /** Milliseconds between the two; 0 where either is not known. */
  readonly observed: number;
  /**
   * Longest period between calls to a host, in milliseconds, as far as known. Only the first call,
   * the last one and their number are kept. So it is the mean of the periods between the calls; the
   * time since the last call counts as one more. The real longest period may be longer.
   */
  readonly longestPeriod: number;
}

/** What is known of the calls of a workload. */
export function observationOf(edges: readonly SeenHost[], until: number | undefined): Observation {
  // A host from a status that had no room for its times was restored without any, which means 1970.
  const called = edges.filter((edge) => wasCalled(edge) && edge.firstSeen > 0);
  if (called.length === 0 || until === undefined) return { since: undefined, until, observed: 0, longestPeriod: 0 };
  const since = Math.min(...called.map(({ firstSeen }) => firstSeen));
  const longestPeriod = Math.max(...called.map((edge) => periodOf(edge, until)));
  return { since, until, observed: Math.max(0, until - since), longestPeriod };
}

/** Whether calls to a host were seen: not if it was only declared, preloaded or imported. */
export function wasCalled({ source, requests, ports }: SeenHost): boolean {
  // An open connection is reported without a request.
  return source === "learned" || requests > 0 || ports.length > 0;
}

function periodOf({ firstSeen, lastSeen, requests }: SeenHost, until: number): number {
  const mean = requests > 1 ? (lastSeen - firstSeen) / (requests - 1) : 0;
  return Math.max(0, mean, until - lastSeen);
}
