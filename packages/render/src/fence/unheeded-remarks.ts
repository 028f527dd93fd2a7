import { compareText, shortenedList } from "@fenceline/api";
import type { EgressHost } from "./egress-hosts.ts";

/** Whose VirtualServices are ignored for hosts of the fence because there is no room. */
export function unheededRemarks(hosts: readonly EgressHost[]): string[] {
  const left = hosts.filter(({ unheeded = [] }) => unheeded.length > 0);
  if (left.length === 0) return [];
  const namespaces = [...new Set(left.flatMap(({ unheeded = [] }) => unheeded))].sort(compareText);
  const whose = `VirtualServices of ${shortenedList(namespaces, ", ")}`;
  const which = `${left.length} ${left.length === 1 ? "host" : "hosts"} of the fence`;
  return [`${whose} have no say in calls to ${which}: they have more destinations than a host, or the fence, has room for`];
}
