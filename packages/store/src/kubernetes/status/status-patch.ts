import { isDeepStrictEqual } from "node:util";
import { addCounts, type DomainStatus, type ServiceFenceStatus, unitePorts } from "@fenceline/api";
import { mergePatch } from "@fenceline/kubernetes";

/** What a status is merged from. */
export interface StatusMerge {
  /** What this process wants to be true now. */
  readonly desired: ServiceFenceStatus;
  /**
   * What this process took `desired` from: the status that it last wrote, or took over. Undefined
   * when it never saw one.
   */
  readonly base: ServiceFenceStatus | undefined;
  /** What the API server has, as far as is known: also what other replicas wrote. */
  readonly live: ServiceFenceStatus;
  /**
   * Whether this process is the leader: it alone ages, so what it lacks is not news, and it alone
   * judges the conditions.
   */
  readonly leads: boolean;
  /** Milliseconds of the wall clock. */
  readonly now: number;
}

/**
 * How far clocks of replicas may be apart, in milliseconds. A time that is later than this from now
 * was seen by nobody.
 */
const CLOCK_SKEW_MS = 5 * 60_000;

/** A JSON merge patch of a status. `null` takes a field away. */
export interface StatusPatch {
  domains?: Record<string, Partial<DomainStatus> | null>;
  observedUntil?: string;
  conditions?: ServiceFenceStatus["conditions"];
}

/**
 * What to send so that replicas that write at the same time lose nothing of each other; undefined
 * when there is nothing to say.
 *
 * A merge patch touches only the hosts that it names. So only hosts that changed since `base` are
 * named, and of a host that others wrote too the later `lastSeen` and the earlier `firstSeen` win,
 * requests are added up and ports united. A host is taken away only when this process knew it and
 * gave it up: that `desired` lacks it says nothing, another replica may have learned it a moment
 * ago.
 */
export function statusPatch(merge: StatusMerge): StatusPatch | undefined {
  const { desired, live, leads, now } = merge;
  const domains = { ...removedDomains(merge), ...changedDomains(merge) };
  const patch: StatusPatch = {};
  if (Object.keys(domains).length > 0) patch.domains = domains;
  if (isLater(desired.observedUntil, believable(live.observedUntil, now))) patch.observedUntil = desired.observedUntil;
  if (leads && desired.conditions !== undefined && !isDeepStrictEqual(desired.conditions, live.conditions))
    patch.conditions = desired.conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function removedDomains({ desired, base, live, leads, now }: StatusMerge): Record<string, null> {
  if (!leads || base === undefined) return {};
  const given = Object.keys(base.domains).filter((host) => desired.domains[host] === undefined && live.domains[host] !== undefined);
  // Another replica saw it since: giving it up was a decision on old knowledge.
  const kept = given.filter((host) => isLater(believable(live.domains[host]?.lastSeen, now), base.domains[host]?.lastSeen));
  return Object.fromEntries(given.filter((host) => !kept.includes(host)).map((host) => [host, null]));
}

function changedDomains({ desired, base, live, leads, now }: StatusMerge): Record<string, Partial<DomainStatus>> {
  const entries = Object.entries(desired.domains).flatMap(([host, domain]): [string, Partial<DomainStatus>][] => {
    const known = base?.domains[host];
    const current = live.domains[host];
    if (current === undefined) {
      // Whoever does not lead must not bring back what the leader took away, unless it was called
      // again.
      const isNews = leads || known === undefined || isLater(domain.lastSeen, known.lastSeen);
      return isNews ? [[host, domain]] : [];
    }
    if (isDeepStrictEqual(domain, known) && !leads) return [];
    const change = mergePatch(current, mergedDomain(domain, known, current, now)) as Partial<DomainStatus> | undefined;
    return change === undefined ? [] : [[host, change]];
  });
  return Object.fromEntries(entries);
}

/** One host as it is after both sides were heard. */
function mergedDomain(desired: DomainStatus, base: DomainStatus | undefined, live: DomainStatus, now: number): DomainStatus {
  const firstSeen = isLater(desired.firstSeen, live.firstSeen)
    ? (live.firstSeen ?? desired.firstSeen)
    : (desired.firstSeen ?? live.firstSeen);
  const liveSeen = believable(live.lastSeen, now);
  const lastSeen = isLater(desired.lastSeen, liveSeen) ? desired.lastSeen : liveSeen;
  const requests = addedRequests(desired.requests, base?.requests, live.requests);
  const ports = unitePorts(live.ports, desired.ports);
  return {
    ...withoutLastSeen(live),
    ...changedFields(desired, base),
    ...(firstSeen !== undefined && { firstSeen }),
    ...(lastSeen !== undefined && { lastSeen }),
    ...(requests !== undefined && { requests }),
    ...(ports.length > 0 && { ports }),
  };
}

/**
 * `hosts`, `status` and `source` are not merged: whoever changed them last is right, and who did
 * not change them says nothing.
 */
function changedFields({ hosts, status, source }: DomainStatus, base: DomainStatus | undefined): Partial<DomainStatus> {
  return {
    ...(!isDeepStrictEqual(hosts, base?.hosts) && { hosts }),
    ...(status !== base?.status && { status }),
    ...(source !== base?.source && { source }),
  };
}

/**
 * Each replica counts what it saw itself, so the growth of each is added. Without a base the larger
 * number stands.
 */
function addedRequests(desired: number | undefined, base: number | undefined, live: number | undefined): number | undefined {
  if (desired === undefined || live === undefined) return desired ?? live;
  return base === undefined ? Math.max(desired, live) : addCounts(live, Math.max(0, desired - base));
}

function withoutLastSeen({ lastSeen: _, ...domain }: DomainStatus): DomainStatus {
  return domain;
}

/**
 * A time that somebody may have seen something at. One in the future would outlast every true one,
 * and keep its host for ever.
 */
function believable(time: string | undefined, now: number): string | undefined {
  return time !== undefined && Date.parse(time) <= now + CLOCK_SKEW_MS ? time : undefined;
}

/** Whether one point in time is later than another. Anything is later than nothing. */
function isLater(time: string | undefined, other: string | undefined): time is string {
  return time !== undefined && (other === undefined || Date.parse(time) > Date.parse(other));
}
