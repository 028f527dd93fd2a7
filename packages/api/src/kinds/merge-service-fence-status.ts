import { isDeepStrictEqual } from "node:util";
import { addCounts, unitePorts } from "../counts.ts";
import { ownValue } from "../json-object.ts";
import { differingFields, isSameList, isShortDomainStatus, shortDomainStatus } from "./domain-status.ts";
import type { StatusMerge } from "./kind.ts";
import type { DomainStatus, ServiceFenceStatus } from "./service-fence-status.ts";

/** What a fence's status is merged from. */
export interface FenceStatusMerge {
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
   * judges the conditions, and says which warm-up was put in and which reset is done.
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
  domains?: Record<string, DomainPatch | null>;
  observedUntil?: string;
  warmUp?: string;
  reset?: string;
  resetAsked?: string;
  resetAnswered?: string;
  conditions?: ServiceFenceStatus["conditions"];
}

/** What the leader alone says it has done. */
const LEADERS_MARKS = ["warmUp", "reset", "resetAnswered"] as const;

/** A JSON merge patch of one host. */
type DomainPatch = { [Field in keyof DomainStatus]?: DomainStatus[Field] | null };

/**
 * {@link statusPatch}, from all that this process knew: a host that it learned since is known, too.
 */
export function mergeServiceFenceStatus({ known, ...merge }: StatusMerge<ServiceFenceStatus>): StatusPatch | undefined {
  const domains = known.flatMap((status) => Object.entries(status.domains));
  return statusPatch({ ...merge, base: known.length === 0 ? undefined : { domains: Object.fromEntries(domains) } });
}

/**
 * What to send so that replicas that write at the same time lose nothing of each other; undefined
 * when there is nothing to say.
 *
 * A merge patch touches only the hosts that it names. So only hosts that changed since `base` are
 * named, and of a host that others wrote too the later `lastSeen` and the earlier `firstSeen` win,
 * requests are added up and ports united; a window stays while its host does. A host is taken away
 * only when this process knew it and gave it up: that `desired` lacks it says nothing, another
 * replica may have learned it a moment ago.
 */
export function statusPatch(merge: FenceStatusMerge): StatusPatch | undefined {
  const { desired, live, leads, now } = merge;
  const domains: Record<string, DomainPatch | null> = {};
  for (const host of removedHosts(merge)) domains[host] = null;
  for (const [host, change] of changedDomains(merge)) domains[host] = change;
  const patch: StatusPatch = changedMarks(merge);
  if (Object.keys(domains).length > 0) patch.domains = domains;
  if (isLater(desired.observedUntil, believable(live.observedUntil, now))) patch.observedUntil = desired.observedUntil;
  if (leads && desired.conditions !== undefined && !isDeepStrictEqual(desired.conditions, live.conditions))
    patch.conditions = desired.conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function changedMarks({ desired, live, leads }: FenceStatusMerge): StatusPatch {
  const patch: StatusPatch = {};
  for (const mark of leads ? LEADERS_MARKS : []) {
    const value = desired[mark];
    if (value !== undefined && value !== live[mark]) patch[mark] = value;
  }
  // It begins with a time: of two that were asked for the later one includes the other.
  if (desired.resetAsked !== undefined && desired.resetAsked > (live.resetAsked ?? "")) patch.resetAsked = desired.resetAsked;
  return patch;
}

function removedHosts({ desired, base, live, leads, now }: FenceStatusMerge): readonly string[] {
  if (!leads || base === undefined) return [];
  return Object.keys(base.domains).filter((host) => {
    const current = ownValue(live.domains, host);
    if (current === undefined || Object.hasOwn(desired.domains, host)) return false;
    // Another replica may have seen it since: giving it up was a decision on old knowledge.
    return !isLater(believable(current.lastSeen, now), ownValue(base.domains, host)?.lastSeen);
  });
}

function* changedDomains({ desired, base, live, leads, now }: FenceStatusMerge): Generator<[host: string, change: DomainPatch]> {
  for (const [host, domain] of Object.entries(desired.domains)) {
    const known = ownValue(base?.domains, host);
    const current = ownValue(live.domains, host);
    if (current === undefined) {
      // Whoever does not lead must not bring back what the leader took away, unless it was called
      // again.
      if (leads || known === undefined || isLater(domain.lastSeen, known.lastSeen)) yield [host, domain];
      continue;
    }
    if (!leads && known !== undefined && differingFields(domain, known).length === 0) continue;
    const merged = mergedDomain(domain, known, current, now);
    // The leader has left its details out, for lack of room.
    const change = domainPatch(current, leads && isShortDomainStatus(domain) ? shortDomainStatus(merged) : merged);
    if (change !== undefined) yield [host, change];
  }
}

/** What makes one entry into another; undefined when they are equal. */
function domainPatch(from: DomainStatus, to: DomainStatus): DomainPatch | undefined {
  const fields = differingFields(from, to);
  return fields.length === 0 ? undefined : Object.fromEntries(fields.map((field) => [field, to[field] ?? null]));
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
    ...(desired.idleWindow !== undefined && { idleWindow: desired.idleWindow }),
  };
}

/**
 * `hosts`, `status`, `source` and `requiredBy` are not merged: whoever changed them last is right,
 * and who did not change them says nothing.
 */
function changedFields({ hosts, status, source, requiredBy }: DomainStatus, base: DomainStatus | undefined): Partial<DomainStatus> {
  return {
    ...(!isSameList(hosts, base?.hosts) && { hosts }),
    ...(status !== base?.status && { status }),
    ...(source !== base?.source && { source }),
    ...(!isSameList(requiredBy, base?.requiredBy) && { requiredBy }),
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
  if (time === undefined || time === other) return false;
  return other === undefined || Date.parse(time) > Date.parse(other);
}
