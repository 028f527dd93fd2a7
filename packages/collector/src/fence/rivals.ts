import {
  compareText,
  type FenceKey,
  fenceKeyOf,
  fenceMode,
  fenceRef,
  formatFenceKey,
  groupOf,
  type Labels,
  type ObjectRef,
  SERVICE_FENCE,
  type ServiceFence,
} from "@fenceline/api";
import type { Store } from "@fenceline/store";
import type { FenceOfPods } from "../fence-table.ts";
import { mayMeet } from "./conflict.ts";
import type { Standings } from "./standings.ts";

/** A fence that is in force instead of another one. */
export interface Rival extends FenceKey {
  /** Its API group, where the other fence is of another group. */
  readonly otherGroup?: string;
}

/** A fence that still has rendered objects, though it is not in force. */
export interface LeavingRival extends FenceKey {
  /**
   * Why, where it exists and is not off: it gives way to another one, selects no pods, or keeps
   * them since its selector cannot be used.
   */
  readonly why?: "givesWay" | "withoutPods" | "keepsThem";
}

/**
 * The fences to which this one gives way, by name. If two Sidecars select a pod, Istio uses one,
 * and reports nothing. So the oldest fence is in force, and those for the same pods give way.
 */
export function rivalsOf(of: FenceOfPods, standings: Pick<Standings, "rivalsOf">): Rival[] {
  return sorted(standings.rivalsOf(of).map((other) => rivalOf(other, of.fence)));
}

/** The input of {@link leavingRivals}. */
export interface LeavingIn {
  /** Fences that may be for the same pods. */
  readonly others: Iterable<FenceOfPods>;
  /** Fences of the namespace that select no pods. */
  readonly withoutPods: Iterable<ServiceFence>;
  /** Whether a fence has a selector that cannot be used. */
  readonly isUnusable: (fence: ServiceFence) => boolean;
  readonly standings: Pick<Standings, "givesWay">;
  readonly store: Pick<Store, "goneOwners" | "ownedBy">;
  /** Labels of pods that are known to be of the fence. */
  readonly pods: readonly Labels[];
}

/**
 * Fences that are gone or off, give way, or select no pods, and still have rendered objects for the
 * same pods. These are removed in steps, or stay while a selector cannot be used. A Sidecar beside
 * them would have no effect until then, and its whole effect at once after that.
 */
export function leavingRivals(
  { namespace, name }: FenceKey,
  labels: Labels,
  { others, withoutPods, isUnusable, standings, store, pods }: LeavingIn,
): LeavingRival[] {
  const meets = ({ spec }: { readonly spec: { readonly workloadSelector?: { readonly labels?: Labels } } }) =>
    mayMeet(labels, spec.workloadSelector?.labels ?? {}, pods);
  const hasLeft = (owner: ObjectRef) => store.ownedBy(owner).some(meets);
  const gone = store.goneOwners(SERVICE_FENCE).filter((owner) => owner.namespace === namespace && owner.name !== name);
  const asking = [...others].flatMap((other) => {
    const owner = fenceRef(fenceKeyOf(other.fence));
    if (owner.name === name || !hasLeft(owner)) return [];
    if (fenceMode(other.fence.spec) === "Off") return [owner];
    return standings.givesWay(other) ? [{ ...owner, why: "givesWay" } as const] : [];
  });
  const selecting = [...withoutPods].flatMap((other) => {
    const owner = fenceRef(fenceKeyOf(other));
    if (owner.name === name || !hasLeft(owner)) return [];
    if (fenceMode(other.spec) === "Off") return [owner];
    return [{ ...owner, why: isUnusable(other) ? ("keepsThem" as const) : ("withoutPods" as const) }];
  });
  return sorted([...gone.filter(hasLeft), ...asking, ...selecting]);
}

function rivalOf(other: ServiceFence, fence: ServiceFence): Rival {
  const group = groupOf(other.apiVersion);
  return { ...fenceKeyOf(other), ...(group !== groupOf(fence.apiVersion) && { otherGroup: group }) };
}

function sorted<K extends FenceKey>(keys: readonly K[]): K[] {
  return keys.toSorted((one, another) => compareText(formatFenceKey(one), formatFenceKey(another)));
}
