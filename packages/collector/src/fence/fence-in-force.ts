/** What is in force of a fence with mistakes: the rest, and former values of wrong fields. */
import type { ServiceFence, ServiceFenceSpec } from "@fenceline/api";

/**
 * A fence as it is in force. In a field with a fault, the former value stays in force together with
 * what is readable now: the mistyped entry may be one of the former ones, and a mistake must hide
 * no host.
 *
 * @param before the version that was in force; undefined at a start
 */
export function fenceInForce(fence: ServiceFence, before: ServiceFence | undefined): ServiceFence {
  const { faulty, spec } = fence;
  if (faulty === undefined) return fence;
  const known = before?.metadata.uid === fence.metadata.uid ? before?.spec : undefined;
  const isFaulty = (field: keyof ServiceFenceSpec) => faulty.includes(field);
  return {
    ...fence,
    spec: {
      ...spec,
      ...(known && Object.fromEntries(SINGLE.filter(isFaulty).map((field) => [field, known[field]]))),
      ...(isFaulty("host") && { host: { ...(known?.host ?? shownHosts(fence)), ...spec.host } }),
      ...(isFaulty("namespaceSelector") && { namespaceSelector: united(known?.namespaceSelector, spec.namespaceSelector) }),
      ...(isFaulty("labelSelector") && { labelSelector: united(known?.labelSelector, spec.labelSelector) }),
    },
  };
}

/** Fields with a single value, or one that counts as a whole. */
const SINGLE = ["idleWindow", "maxHosts", "tcp", "serviceEntries", "warmUp"] as const satisfies readonly (keyof ServiceFenceSpec)[];

/** Hosts in the status that come from a spec: the collector before this one knew them. */
function shownHosts({ status }: ServiceFence): ServiceFenceSpec["host"] {
  const shown = Object.entries(status.domains).filter(([, domain]) => domain.source === "static" && domain.status !== "EXPIRE");
  return Object.fromEntries(shown.map(([host]) => [host, null]));
}

function united<T>(before: readonly T[] = [], now: readonly T[]): T[] {
  const known = new Map([...before, ...now].map((each) => [JSON.stringify(each), each]));
  return [...known.values()];
}
