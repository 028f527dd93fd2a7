import { compareText, type Labels, labelsDiffer, SelectorIndex } from "@fenceline/api";
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

/** A {@link LimitGroup} among those of its namespace. */
interface RankedGroup {
  readonly id: string;
  readonly labels: Labels;
  group: LimitGroup;
  /** Of the owner's set among those of its limiter, for two that are of one age. */
  place: number;
  /** How many older groups may have its pods too. */
  older: number;
}

/**
 * The sets of the limiters of a namespace, by the pods that they are for.
 *
 * Two insertions of one filter count each call twice (slime-limiter's L12), so sets with the same
 * labels share one EnvoyFilter. A pod that has the labels of two groups has two filters. For one
 * route only one configuration of a name counts, so the filter of the younger group has another
 * name.
 *
 * A change of a limiter costs a look at the groups that it is in, and at those for the same pods.
 */
export class LimitGroups {
  readonly #sets = new Map<string, readonly LimitedPods[]>();
  readonly #groups = new Map<string, RankedGroup>();
  readonly #index = new SelectorIndex<RankedGroup>();

  /** The groups that sets of a limiter are in. */
  of(limiter: string): readonly LimitGroup[] {
    const ids = new Set(this.#sets.get(limiter)?.map(({ labels }) => labelsText(labels)));
    return [...ids].flatMap((id) => this.#groups.get(id)?.group ?? []);
  }

  /**
   * Takes over the sets of a limiter, all of them; none where it is gone.
   *
   * @returns it, and the limiters of which a group is another one than before
   */
  put(limiter: string, sets: readonly LimitedPods[]): ReadonlySet<string> {
    const touched = Map.groupBy([...(this.#sets.get(limiter) ?? []), ...sets], ({ labels }) => labelsText(labels));
    if (sets.length === 0) this.#sets.delete(limiter);
    else this.#sets.set(limiter, sets);
    const concerned = new Set([limiter]);
    const own = Map.groupBy(sets, ({ labels }) => labelsText(labels));
    for (const [id, [{ labels } = { labels: {} }]] of touched) {
      const others = this.#groups.get(id)?.group.members.filter((member) => member.limiter !== limiter) ?? [];
      const members = [...others, ...(own.get(id) ?? [])].sort(byAge);
      for (const member of members) concerned.add(member.limiter);
      this.#regroup(id, labels, members, concerned);
    }
    return concerned;
  }

  #regroup(id: string, labels: Labels, members: readonly LimitedPods[], concerned: Set<string>): void {
    const known = this.#groups.get(id);
    if (known !== undefined) this.#index.delete(id, known);
    const overlapping = this.#index.besides(labels).filter((other) => !labelsDiffer(other.labels, labels));
    for (const other of overlapping) if (known !== undefined && isOlder(known, other)) other.older -= 1;
    this.#put(id, labels, members, overlapping);
    for (const other of overlapping) {
      const { filterName } = other.group;
      other.group = named(other);
      if (filterName === other.group.filterName) continue;
      for (const member of other.group.members) concerned.add(member.limiter);
    }
  }

  #put(id: string, labels: Labels, members: readonly LimitedPods[], overlapping: readonly RankedGroup[]): void {
    const [owner] = members;
    if (owner === undefined) {
      this.#groups.delete(id);
      return;
    }
    const place = this.#sets.get(owner.limiter)?.indexOf(owner) ?? 0;
    const ranked = { id, labels, group: { owner, members, filterName: LOCAL_LIMIT_NAME }, place, older: 0 };
    for (const other of overlapping) (isOlder(ranked, other) ? other : ranked).older += 1;
    ranked.group = named(ranked);
    this.#groups.set(id, ranked);
    this.#index.add(id, ranked);
  }
}

/** The filter of a group that is not the oldest for some pods has a name of its own. */
function named({ group, older }: RankedGroup): LimitGroup {
  const { owner, members } = group;
  const filterName = older > 0 ? `${LOCAL_LIMIT_NAME}.${owner.limiter}.${owner.set}` : LOCAL_LIMIT_NAME;
  return filterName === group.filterName ? group : { owner, members, filterName };
}

function isOlder(one: RankedGroup, other: RankedGroup): boolean {
  // Of one limiter whose sets are being taken over, two may have one place for a moment.
  return (byAge(one.group.owner, other.group.owner) || one.place - other.place || compareText(one.id, other.id)) < 0;
}

function byAge(a: LimitedPods, b: LimitedPods): number {
  return a.createdAt - b.createdAt || compareText(a.limiter, b.limiter) || sizeOf(a.labels) - sizeOf(b.labels);
}

/** One text for the same labels, in whatever order they were written. */
export function labelsText(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => compareText(a, b)));
}

function sizeOf(labels: Labels): number {
  return Object.keys(labels).length;
}
