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

/** A fence that comes before another one. */
export interface Rival extends FenceKey {
  /** Its API group, where the other one is of another group. */
  readonly otherGroup?: string;
}

/** A fence of which something is still rendered. */
export interface LeavingRival extends FenceKey {
  /** Whether it asks for it still, and gives way to another one. */
  readonly givesWay?: boolean;
}

/**
 * The fences that one gives way to, by name. Of two Sidecars for a pod Istio uses one, and says
 * nothing; so the oldest fence is in force, and those that meet it give way.
 */
export function rivalsOf(of: FenceOfPods, standings: Pick<Standings, "rivalsOf">): Rival[] {
  return sorted(standings.rivalsOf(of).map((other) => rivalOf(other, of.fence)));
}

/** What {@link leavingRivals} are found in. */
export interface LeavingIn {
  /** Fences that may be for the same pods. */
  readonly others: Iterable<FenceOfPods>;
  readonly standings: Pick<Standings, "givesWay">;
  readonly store: Pick<Store, "goneOwners" | "ownedBy">;
  /** Labels of pods that are known to be of the fence. */
  readonly pods: readonly Labels[];
}

/**
 * Fences that are gone or off, or give way, and of which something for the same pods is still
 * rendered: it leaves in steps, and a Sidecar beside it would not count until then, and all at once
 * after that.
 */
export function leavingRivals(
  { namespace, name }: FenceKey,
  labels: Labels,
  { others, standings, store, pods }: LeavingIn,
): LeavingRival[] {
  const meets = ({ spec }: { readonly spec: { readonly workloadSelector?: { readonly labels?: Labels } } }) =>
    mayMeet(labels, spec.workloadSelector?.labels ?? {}, pods);
  const hasLeft = (owner: ObjectRef) => store.ownedBy(owner).some(meets);
  const gone = store.goneOwners(SERVICE_FENCE).filter((owner) => owner.namespace === namespace && owner.name !== name);
  const asking = [...others].flatMap((other) => {
    const owner = fenceRef(fenceKeyOf(other.fence));
    if (owner.name === name || !hasLeft(owner)) return [];
    if (fenceMode(other.fence.spec) === "Off") return [owner];
    return standings.givesWay(other) ? [{ ...owner, givesWay: true }] : [];
  });
  return sorted([...gone.filter(hasLeft), ...asking]);
}

function rivalOf(other: ServiceFence, fence: ServiceFence): Rival {
  const group = groupOf(other.apiVersion);
  return { ...fenceKeyOf(other), ...(group !== groupOf(fence.apiVersion) && { otherGroup: group }) };
}

function sorted<K extends FenceKey>(keys: readonly K[]): K[] {
  return keys.toSorted((one, another) => compareText(formatFenceKey(one), formatFenceKey(another)));
}
