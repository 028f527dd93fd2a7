import { compareText, type Labels, labelsDiffer } from "@fenceline/api";
import { LOCAL_LIMIT_NAME } from "./render-limits.ts";

/** Pods that a set of a limiter is for. */
export interface LimitedPods {
  /** Name of the limiter, and when it was made, in milliseconds. */
  readonly limiter: string;
  readonly createdAt: number;
  readonly set: string;
  readonly labels: Labels;
}

/** Sets for the same pods, which share one EnvoyFilter. */
export interface LimitGroup {
  /** The oldest: the EnvoyFilter is its own. */
  readonly owner: LimitedPods;
  /** The oldest first. */
  readonly members: readonly LimitedPods[];
  /** Name of the filter in the chain of these pods. */
  readonly filterName: string;
}

/**
 * The sets of the limiters of a namespace, by the pods that they are for.
 *
 * Two insertions of one filter count each call twice (slime-limiter's L12), so sets with the same
 * labels share one EnvoyFilter. A pod that has the labels of two groups has two filters. For one
 * route only one configuration of a name counts, so the filter of the younger group has another
 * name.
 */
export function limitGroups(sets: readonly LimitedPods[]): readonly LimitGroup[] {
  const byAge = sets.toSorted(
    (a, b) => a.createdAt - b.createdAt || compareText(a.limiter, b.limiter) || sizeOf(a.labels) - sizeOf(b.labels),
  );
  const groups = [...Map.groupBy(byAge, ({ labels }) => labelsText(labels)).values()];
  return groups.map((members, index) => {
    const [owner] = members as [LimitedPods];
    const isShared = groups.slice(0, index).some(([older]) => older !== undefined && !labelsDiffer(older.labels, owner.labels));
    return { owner, members, filterName: isShared ? `${LOCAL_LIMIT_NAME}.${owner.limiter}.${owner.set}` : LOCAL_LIMIT_NAME };
  });
}

/** One text for the same labels, in whatever order they were written. */
export function labelsText(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => compareText(a, b)));
}

function sizeOf(labels: Labels): number {
  return Object.keys(labels).length;
}
