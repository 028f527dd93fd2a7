import { sidecarHosts } from "@fenceline/api";
import type { Change } from "@fenceline/store";

/** Hosts that a log line names. The others are counted. */
const NAMED = 20;

/**
 * Which hosts a write of a Sidecar adds and removes, for its log line. A fence may have thousands,
 * so the whole list says nothing, and only so many are named.
 */
export function changedHosts(change: Change): Readonly<Record<string, unknown>> {
  if (change.action === "delete") return {};
  const after = sidecarHosts(change.object);
  const before = change.action === "update" && change.before !== undefined ? sidecarHosts(change.before) : [];
  const [had, has] = [new Set(before), new Set(after)];
  return {
    ...listed(
      "added",
      after.filter((host) => !had.has(host)),
    ),
    ...listed(
      "removed",
      before.filter((host) => !has.has(host)),
    ),
  };
}

function listed(name: string, hosts: readonly string[]): Readonly<Record<string, unknown>> {
  if (hosts.length === 0) return {};
  return { [name]: hosts.slice(0, NAMED), ...(hosts.length > NAMED && { [`${name}More`]: hosts.length - NAMED }) };
}
