import type { DomainStatus } from "./service-fence-status.ts";

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
