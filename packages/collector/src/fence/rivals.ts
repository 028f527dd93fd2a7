import {
  compareText,
  type FenceKey,
  fenceKeyOf,
  fenceMode,
  fenceRef,
  formatFenceKey,
  groupOf,
  type Labels,
  SERVICE_FENCE,
  type ServiceFence,
} from "@fenceline/api";
import type { Store } from "@fenceline/store";
import type { FenceOfPods } from "../fences-of-labels.ts";
import { mayMeet } from "./conflict.ts";

/** A fence that comes before another one. */
export interface Rival extends FenceKey {
  /** Its API group, where the other one is of another group. */
  readonly otherGroup?: string;
}

/**
 * The fences that come before one for the same pods, by name: older ones whose selectors may meet
 * its own in a pod. Of two Sidecars for a pod Istio uses one, and says nothing; so the oldest fence
 * is in force, and the others give way. One that is off asks for nothing.
 *
 * @param pods labels of pods that are known to be of the fence
 */
export function olderRivals(fence: ServiceFence, labels: Labels, others: Iterable<FenceOfPods>, pods: readonly Labels[]): Rival[] {
  const rivals: Rival[] = [];
  if (fenceMode(fence.spec) === "Off") return rivals;
  for (const { fence: other, labels: theirs } of others) {
    if (fenceMode(other.spec) !== "Off" && isOlder(other, fence) && mayMeet(labels, theirs, pods)) rivals.push(rivalOf(other, fence));
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

function rivalOf(other: ServiceFence, fence: ServiceFence): Rival {
  const group = groupOf(other.apiVersion);
  return { ...fenceKeyOf(other), ...(group !== groupOf(fence.apiVersion) && { otherGroup: group }) };
}

function sorted<K extends FenceKey>(keys: readonly K[]): K[] {
  return keys.toSorted((one, another) => compareText(formatFenceKey(one), formatFenceKey(another)));
}

/** By age, and then by name: in a folder nothing has an age. Never true of a fence and itself. */
function isOlder({ metadata: one }: ServiceFence, { metadata: other }: ServiceFence): boolean {
  const [first = "", second = ""] = [one.creationTimestamp, other.creationTimestamp];
  return first === second ? one.name < other.name : first < second;
}
