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
 * Whether a pod may be of two selectors: they differ on no label and agree on one, or one of them
 * takes every pod. Where they speak of different labels, only a known pod that has all of them
 * tells: two teams that select by `app` and by `tier` usually mean other pods.
 */
export function mayMeet(one: Labels, other: Labels, pods: readonly Labels[]): boolean {
  const keys = Object.keys(one);
  if (keys.some((key) => key in other)) return !labelsDiffer(one, other);
  if (keys.length === 0 || Object.keys(other).length === 0) return true;
  return pods.some((pod) => hasLabels(pod, one) && hasLabels(pod, other));
}
