import type { Labels } from "@fenceline/api";

/**
 * Tells which labels one of many selectors matches.
 *
 * A fence has room for 30,000 selectors, and a mesh has thousands of Services. If each were
 * compared with each, one fence would block all others for minutes at every change of the mesh. So
 * a selector is looked up by one of its labels, the one that the fewest selectors have.
 */
export class LabelSelectors {
  readonly #byLabel = new Map<string, [string, string][][]>();

  /**
   * As in Slime, an empty selector matches nothing: an entry that someone forgot to fill must not
   * open the whole mesh.
   */
  constructor(selectors: readonly Labels[]) {
    const wanted = selectors.map((selector) => Object.entries(selector));
    const uses = new Map<string, number>();
    for (const label of wanted.flat()) uses.set(keyOf(label), (uses.get(keyOf(label)) ?? 0) + 1);
    for (const labels of wanted) {
      const keys = labels.map(keyOf);
      const [first] = keys;
      if (first === undefined) continue;
      const rarest = keys.reduce((best, key) => ((uses.get(key) ?? 0) < (uses.get(best) ?? 0) ? key : best), first);
      const found = this.#byLabel.get(rarest);
      if (found === undefined) this.#byLabel.set(rarest, [labels]);
      else found.push(labels);
    }
  }

  take(labels: Labels): boolean {
    return this.#some(labels, () => true);
  }

  /** Whether one of them has a part of these labels, and not all. */
  takePartOf(labels: Labels): boolean {
    const all = Object.keys(labels).length;
    return this.#some(labels, ({ length }) => length < all);
  }

  #some(labels: Labels, isMeant: (wanted: readonly [string, string][]) => boolean): boolean {
    return Object.entries(labels).some((label) =>
      this.#byLabel.get(keyOf(label))?.some((wanted) => isMeant(wanted) && wanted.every(([key, value]) => labels[key] === value)),
    );
  }
}

/** If two labels had the same key, that would only cost one more comparison. */
function keyOf([key, value]: [string, string]): string {
  return `${key}\n${value}`;
}
