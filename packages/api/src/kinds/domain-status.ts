/** The entries of `status.domains`: how they compare, and what they are cut down to. */
import type { DomainStatus } from "./service-fence-status.ts";

/**
 * The fields of an entry of `status.domains` that are not equal in two entries.
 *
 * By hand: a status may have thousands of hosts, and a comparison of whatever values takes ten
 * times as long.
 */
export function differingFields(one: DomainStatus, other: DomainStatus): readonly (keyof DomainStatus)[] {
  const fields: (keyof DomainStatus)[] = [];
  if (one.status !== other.status) fields.push("status");
  if (one.source !== other.source) fields.push("source");
  if (one.firstSeen !== other.firstSeen) fields.push("firstSeen");
  if (one.lastSeen !== other.lastSeen) fields.push("lastSeen");
  if (one.requests !== other.requests) fields.push("requests");
  if (one.idleWindow !== other.idleWindow) fields.push("idleWindow");
  if (!isSameList(one.hosts, other.hosts)) fields.push("hosts");
  if (!isSameList(one.ports, other.ports)) fields.push("ports");
  if (!isSameList(one.requiredBy, other.requiredBy)) fields.push("requiredBy");
  return fields;
}

/**
 * The entry that was there before where the new one says the same, so that the versions of a status
 * share what did not change.
 */
export function sameOrElse(before: DomainStatus | undefined, entry: DomainStatus): DomainStatus {
  return before !== undefined && differingFields(before, entry).length === 0 ? before : entry;
}

type List = readonly (string | number)[] | null | undefined;

/** Whether two lists have the same elements in the same order, or neither is there. */
export function isSameList(one: List, other: List): boolean {
  if (one === other) return true;
  if (!one || !other || one.length !== other.length) return false;
  return one.every((element, index) => element === other[index]);
}

/**
 * What a restart needs of a host, for a status that has no room for more: its state, its source,
 * when it was last seen, and its own window.
 */
export function shortDomainStatus({ status, source, lastSeen, idleWindow }: DomainStatus): DomainStatus {
  return {
    status,
    ...(source !== undefined && { source }),
    ...(lastSeen !== undefined && { lastSeen }),
    ...(idleWindow !== undefined && { idleWindow }),
  };
}

/** Whether of a host's calls only the last one is told, as in {@link shortDomainStatus}. */
export function isShortDomainStatus({ firstSeen, lastSeen, requests }: DomainStatus): boolean {
  return lastSeen !== undefined && firstSeen === undefined && requests === undefined;
}
