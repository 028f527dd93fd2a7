import { type FenceKey, fenceKeyOf, fenceMode, formatFenceKey, type Labels, type ServiceFence } from "@fenceline/api";
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
  return rivals.sort((one, another) => (formatFenceKey(one) < formatFenceKey(another) ? -1 : 1));
}

/** By age, and then by name: in a folder nothing has an age. Never true of a fence and itself. */
function isOlder({ metadata: one }: ServiceFence, { metadata: other }: ServiceFence): boolean {
  const [first = "", second = ""] = [one.creationTimestamp, other.creationTimestamp];
  return first === second ? one.name < other.name : first < second;
}
