import { compareText, type Labels, labelsDiffer, SelectorIndex } from "@fenceline/api";
import { LOCAL_LIMIT_NAME } from "./render-limits.ts";

/** Pods of a set of a limiter. */
export interface LimitedPods {
  /** Name of the limiter, and when it was made, in milliseconds. */
  readonly limiter: string;
  readonly createdAt: number;
  readonly set: string;
  readonly labels: Labels;
}

/** Sets for the same pods, which share one EnvoyFilter. */
export interface LimitGroup {
  /** The oldest set. The EnvoyFilter belongs to it. */
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
  /** Place of the owner's set in its limiter, for two of the same age. */
  place: number;
  /** How many older groups may have some of its pods too. */
  older: number;
}

/**
 * The sets of the limiters of a namespace, grouped by their pods.
 *
 * If one filter is inserted twice, each call counts twice (slime-limiter's L12), so sets with the
 * same labels share one EnvoyFilter. A pod that has the labels of two groups has two filters. For a
 * route only one configuration with a given name counts, so the filter of the younger group has
 * another name.
 *
 * A change of a limiter costs a look at its groups, and at those for the same pods.
 */
export class LimitGroups {
  readonly #sets = new Map<string, readonly LimitedPods[]>();
  readonly #groups = new Map<string, RankedGroup>();
  readonly #index = new SelectorIndex<RankedGroup>();

  /** The groups of a limiter's sets. */
  of(limiter: string): readonly LimitGroup[] {
    const ids = new Set(this.#sets.get(limiter)?.map(({ labels }) => labelsText(labels)));
    return [...ids].flatMap((id) => this.#groups.get(id)?.group ?? []);
  }

  /**
   * Takes over all sets of a limiter; none where it is gone.
   *
   * @returns it, and the limiters for which a group has changed
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

/** The filter of a group that is not the oldest for some pods has its own name. */
function named({ group, older }: RankedGroup): LimitGroup {
  const { owner, members } = group;
  const filterName = older > 0 ? `${LOCAL_LIMIT_NAME}.${owner.limiter}.${owner.set}` : LOCAL_LIMIT_NAME;
  return filterName === group.filterName ? group : { owner, members, filterName };
}

function isOlder(one: RankedGroup, other: RankedGroup): boolean {
  // While the sets of a limiter are being taken over, two of them may have one place for a moment.
  return (byAge(one.group.owner, other.group.owner) || one.place - other.place || compareText(one.id, other.id)) < 0;
}

function byAge(a: LimitedPods, b: LimitedPods): number {
  return a.createdAt - b.createdAt || compareText(a.limiter, b.limiter) || sizeOf(a.labels) - sizeOf(b.labels);
}

/** The same text for the same labels, in whatever order they were written. */
export function labelsText(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => compareText(a, b)));
}

function sizeOf(labels: Labels): number {
  return Object.keys(labels).length;
}
