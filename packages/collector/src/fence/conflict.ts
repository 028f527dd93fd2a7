import type { Labels, ServiceFence } from "@fenceline/api";
import type { ForeignObject } from "@fenceline/store";

/**
 * Names of the Sidecars of others that are, or may be, for pods of this fence.
 *
 * Istio gives a pod exactly one Sidecar with a selector, the oldest that matches, and says nothing
 * (istio/istio#24741). One without a selector gives way to any that has one, so it is no conflict.
 * Two selectors may meet in a pod when they agree on a label and differ on none.
 *
 * @param labels of the fence's pods; undefined when they are not known
 */
export function conflictingSidecars({ metadata }: ServiceFence, labels: Labels | undefined, foreign: readonly ForeignObject[]): string[] {
  const meets = ({ name, selector }: ForeignObject) =>
    name === metadata.name || (selector !== undefined && labels !== undefined && mayMeet(selector, labels));
  return foreign
    .filter(meets)
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .sort();
}

function mayMeet(a: Labels, b: Labels): boolean {
  const shared = Object.keys(a).filter((key) => key in b);
  return shared.length > 0 && shared.every((key) => a[key] === b[key]);
}
