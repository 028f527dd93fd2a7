import { hasLabels, type Labels, labelsDiffer, type ServiceFence } from "@fenceline/api";
import type { ForeignObject } from "@fenceline/store";

type OutboundMode = NonNullable<ForeignObject["outbound"]>;

/**
 * Names of the Sidecars of others that are, or may be, for pods of this fence.
 *
 * Istio gives a pod exactly one Sidecar with a selector, the oldest that matches, and says nothing
 * (istio/istio#24741). One without a selector gives way to any that has one, so it is no conflict;
 * an empty selector is one that takes every pod of the namespace.
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
 * Default Sidecars, for the pods of a fence, that say more than the fence's would say in their
 * place; each with what that is.
 *
 * Istio takes one Sidecar for a pod: that of the namespace in place of the root namespace's, and a
 * fence's in place of either. Calls that go by an egress proxy, or to ports that it alone opens,
 * would go elsewhere.
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
 * What the default Sidecar in whose place a fence's comes makes of hosts that Istio does not know;
 * undefined where that is for MeshConfig to say, which Istio asks for a fence's Sidecar as well.
 *
 * Of several Istio takes the oldest. Here REGISTRY_ONLY of any counts, as for who may leave the
 * mesh by way of the fallback.
 */
export function defaultOutbound(own: readonly ForeignObject[], root: readonly ForeignObject[]): OutboundMode | undefined {
  const modes = countingDefaults(own, root).map(({ outbound }) => outbound);
  if (modes.includes("REGISTRY_ONLY")) return "REGISTRY_ONLY";
  return modes.length > 0 && modes.every((mode) => mode === "ALLOW_ANY") ? "ALLOW_ANY" : undefined;
}

/** Those of the namespace, where it has one, in place of those of the root namespaces. */
export function countingDefaults(own: readonly ForeignObject[], root: readonly ForeignObject[]): readonly ForeignObject[] {
  const [ofNamespace, ofRoot] = [own, root].map((sidecars) => sidecars.filter(({ selector }) => selector === undefined));
  return (ofNamespace?.length ? ofNamespace : ofRoot) ?? [];
}

/**
 * Whether a pod may be of two selectors: they differ on no label and agree on one, or one of them
 * takes every pod. Where they speak of different labels, only a known pod that has all of them
 * tells: two teams that select by `app` and by `tier` usually mean other pods.
 */
export function mayMeet(one: Labels, other: Labels, pods: readonly Labels[]): boolean {
  const keys = Object.keys(one);
  if (keys.some((key) => Object.hasOwn(other, key))) return !labelsDiffer(one, other);
  if (keys.length === 0 || Object.keys(other).length === 0) return true;
  return pods.some((pod) => hasLabels(pod, one) && hasLabels(pod, other));
}
