import { hasLabels, type Labels, labelsDiffer, type ServiceFence } from "@fenceline/api";
import type { ForeignObject } from "@fenceline/store";

type OutboundMode = NonNullable<ForeignObject["outbound"]>;

/**
 * Names of the Sidecars of others that select, or may select, pods of this fence.
 *
 * Istio gives a pod exactly one Sidecar with a selector, the oldest that matches, and reports
 * nothing (istio/istio#24741). A Sidecar without a selector is used only where none with a selector
 * matches, so it is no conflict. An empty selector selects every pod of the namespace.
 *
 * @param labels of the fence's pods; undefined when they are not known
 * @param pods labels of pods that are known to be of the fence
 */
export function conflictingSidecars(
  { metadata }: ServiceFence,
  labels: Labels | undefined,
  foreign: readonly ForeignObject[],
  pods: readonly Labels[] = [],
): string[] {
  const meets = ({ name, selector }: ForeignObject) =>
    name === metadata.name || (selector !== undefined && labels !== undefined && mayMeet(selector, labels, pods));
  return foreign
    .filter(meets)
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .sort();
}

/**
 * Default Sidecars for the pods of a fence that have settings which the fence's Sidecar would drop;
 * each with these settings.
 *
 * Istio uses one Sidecar for a pod: a fence's, else that of the namespace, else that of the root
 * namespace. Without the dropped settings, calls through an egress proxy, or to ports that only the
 * default opens, would be sent elsewhere.
 *
 * @param own Sidecars of others in the fence's namespace
 * @param root those in Istio's root namespaces
 */
export function replacedDefaults(own: readonly ForeignObject[], root: readonly ForeignObject[]): readonly string[] {
  return countingDefaults(own, root)
    .filter(({ settings }) => settings !== undefined)
    .map(({ namespace, name, settings = [] }) => `${namespace}/${name} (${settings.join(", ")})`)
    .sort();
}

/**
 * How the default Sidecar that a fence's replaces treats hosts that Istio does not know; undefined
 * where MeshConfig decides, as it does for a fence's Sidecar.
 *
 * If there are several, Istio uses the oldest. Here one with REGISTRY_ONLY is enough, as for the
 * question who may leave the mesh through the fallback.
 */
export function defaultOutbound(own: readonly ForeignObject[], root: readonly ForeignObject[]): OutboundMode | undefined {
  const modes = countingDefaults(own, root).map(({ outbound }) => outbound);
  if (modes.includes("REGISTRY_ONLY")) return "REGISTRY_ONLY";
  return modes.length > 0 && modes.every((mode) => mode === "ALLOW_ANY") ? "ALLOW_ANY" : undefined;
}

/** Those of the namespace, if it has any, else those of the root namespaces. */
export function countingDefaults(own: readonly ForeignObject[], root: readonly ForeignObject[]): readonly ForeignObject[] {
  const [ofNamespace, ofRoot] = [own, root].map((sidecars) => sidecars.filter(({ selector }) => selector === undefined));
  return (ofNamespace?.length ? ofNamespace : ofRoot) ?? [];
}

/**
 * Whether a pod may match both selectors: they differ on no label and agree on one, or one of them
 * selects every pod. Where they have different labels, only a known pod with all of them decides:
 * two teams that select by `app` and by `tier` usually mean different pods.
 */
export function mayMeet(one: Labels, other: Labels, pods: readonly Labels[]): boolean {
  const keys = Object.keys(one);
  if (keys.some((key) => Object.hasOwn(other, key))) return !labelsDiffer(one, other);
  if (keys.length === 0 || Object.keys(other).length === 0) return true;
  return pods.some((pod) => hasLabels(pod, one) && hasLabels(pod, other));
}
