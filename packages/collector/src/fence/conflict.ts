import { hasLabels, type Labels, labelsDiffer, type ServiceFence } from "@fenceline/api";
import type { ForeignObject } from "@fenceline/store";

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
  const isDefault = ({ selector }: ForeignObject) => selector === undefined;
  const counting = own.some(isDefault) ? own : root;
  return counting
    .filter((each) => isDefault(each) && each.settings !== undefined)
    .map(({ namespace, name, settings = [] }) => `${namespace}/${name} (${settings.join(", ")})`)
    .sort();
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
