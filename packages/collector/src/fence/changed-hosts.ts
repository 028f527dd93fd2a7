import { parkedHosts, type RenderedObject, sidecarHosts } from "@fenceline/api";
import type { Change } from "@fenceline/store";

/** Hosts that a log line names. The others are counted. */
const NAMED = 20;

/**
 * Which hosts a write of a Sidecar adds and removes, and which it parks or parks no more, for its
 * log line. A fence may have thousands, so the whole list says nothing, and only so many are named.
 */
export function changedHosts(change: Change): Readonly<Record<string, unknown>> {
  if (change.action === "delete") return {};
  const before = change.action === "update" ? change.before : undefined;
  return {
    ...difference("added", "removed", sidecarHosts, before, change.object),
    ...difference("parked", "unparked", parkedHosts, before, change.object),
  };
}

function difference(
  came: string,
  went: string,
  hostsOf: (object: RenderedObject) => readonly string[],
  before: RenderedObject | undefined,
  after: RenderedObject,
): Readonly<Record<string, unknown>> {
  const [had, has] = [new Set(before === undefined ? [] : hostsOf(before)), new Set(hostsOf(after))];
  return {
    ...listed(
      came,
      [...has].filter((host) => !had.has(host)),
    ),
    ...listed(
      went,
      [...had].filter((host) => !has.has(host)),
    ),
  };
}

function listed(name: string, hosts: readonly string[]): Readonly<Record<string, unknown>> {
  if (hosts.length === 0) return {};
  return { [name]: hosts.slice(0, NAMED), ...(hosts.length > NAMED && { [`${name}More`]: hosts.length - NAMED }) };
}
