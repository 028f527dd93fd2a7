import {
  compareText,
  type FenceKey,
  fenceKeyOf,
  fenceMode,
  fenceRef,
  formatFenceKey,
  type Labels,
  SERVICE_FENCE,
  type ServiceFence,
} from "@fenceline/api";
import type { Store } from "@fenceline/store";
import type { FenceOfPods } from "../fences-of-labels.ts";
import { mayMeet } from "./conflict.ts";

/**
 * The fences that come before one for the same pods, by name: older ones whose selectors may meet
 * its own in a pod. Of two Sidecars for a pod Istio uses one, and says nothing; so the oldest fence
 * is in force, and the others give way. One that is off asks for nothing.
 *
 * @param pods labels of pods that are known to be of the fence
 */
export function olderRivals(fence: ServiceFence, labels: Labels, others: Iterable<FenceOfPods>, pods: readonly Labels[]): FenceKey[] {
  const rivals: FenceKey[] = [];
  if (fenceMode(fence.spec) === "Off") return rivals;
  for (const { fence: other, labels: theirs } of others) {
    if (fenceMode(other.spec) !== "Off" && isOlder(other, fence) && mayMeet(labels, theirs, pods)) rivals.push(fenceKeyOf(other));
  }
  return sorted(rivals);
}

/**
 * Fences that are gone, or off, and of which something for the same pods is still rendered: it
 * leaves in steps, and a Sidecar beside it would not count until then, and all at once after that.
 */
export function leavingRivals(
  { namespace, name }: FenceKey,
  labels: Labels,
  others: Iterable<FenceOfPods>,
  pods: readonly Labels[],
  store: Pick<Store, "goneOwners" | "ownedBy">,
): FenceKey[] {
  const gone = store.goneOwners(SERVICE_FENCE).filter((owner) => owner.namespace === namespace && owner.name !== name);
  const off = [...others].flatMap(({ fence }) => (fenceMode(fence.spec) === "Off" ? [fenceRef(fenceKeyOf(fence))] : []));
  const meets = ({ spec }: { readonly spec: { readonly workloadSelector?: { readonly labels?: Labels } } }) =>
    mayMeet(labels, spec.workloadSelector?.labels ?? {}, pods);
  return sorted([...gone, ...off].filter((owner) => store.ownedBy(owner).some(meets)));
}

function sorted(keys: readonly FenceKey[]): FenceKey[] {
  return keys.toSorted((one, another) => compareText(formatFenceKey(one), formatFenceKey(another)));
}

/** By age, and then by name: in a folder nothing has an age. Never true of a fence and itself. */
function isOlder({ metadata: one }: ServiceFence, { metadata: other }: ServiceFence): boolean {
  const [first = "", second = ""] = [one.creationTimestamp, other.creationTimestamp];
  return first === second ? one.name < other.name : first < second;
}
