/** What of a fence with mistakes is in force: its rest, and of the wrong fields what was before. */
import type { ServiceFence, ServiceFenceSpec } from "@fenceline/api";

/**
 * A fence as it is in force. A field that has a fault keeps what was in force before beside the
 * rest that can be read: a mistyped entry may be one of those, and a mistake must hide no host.
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

/** Fields that have one value, or are one whole. */
const SINGLE = ["idleWindow", "maxHosts", "tcp", "serviceEntries", "warmUp"] as const satisfies readonly (keyof ServiceFenceSpec)[];

/** Hosts that the status has from a spec: of those the collector before this one knew. */
function shownHosts({ status }: ServiceFence): ServiceFenceSpec["host"] {
  const shown = Object.entries(status.domains).filter(([, domain]) => domain.source === "static" && domain.status !== "EXPIRE");
  return Object.fromEntries(shown.map(([host]) => [host, null]));
}

function united<T>(before: readonly T[] = [], now: readonly T[]): T[] {
  const known = new Map([...before, ...now].map((each) => [JSON.stringify(each), each]));
  return [...known.values()];
}
