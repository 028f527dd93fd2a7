import type { Labels } from "./object.ts";

/** Selectors with the same keys. */
interface SameKeys<T> {
  readonly keys: readonly string[];
  readonly selectors: Map<string, T>;
}

/**
 * Selectors of a namespace by what they say, so that those that may be for the same pods are found
 * without a look at every one.
 */
export class SelectorIndex<T extends { readonly labels: Labels }> {
  readonly #byLabel = new Map<string, Map<string, T>>();
  readonly #byKeys = new Map<string, SameKeys<T>>();

  /** @param id stands for it; whoever had the same id is deleted before */
  add(id: string, selector: T): void {
    for (const label of Object.entries(selector.labels)) {
      const text = label.join("=");
      const known = this.#byLabel.get(text) ?? new Map<string, T>();
      this.#byLabel.set(text, known.set(id, selector));
    }
    const keys = Object.keys(selector.labels).sort();
    const same = this.#byKeys.get(keys.join()) ?? { keys, selectors: new Map<string, T>() };
    same.selectors.set(id, selector);
    this.#byKeys.set(keys.join(), same);
  }

  /** @param labels those that it was added with */
  delete(id: string, { labels }: Pick<T, "labels">): void {
    for (const label of Object.entries(labels)) {
      const text = label.join("=");
      const known = this.#byLabel.get(text);
      known?.delete(id);
      if (known?.size === 0) this.#byLabel.delete(text);
    }
    const keys = Object.keys(labels).sort().join();
    const same = this.#byKeys.get(keys);
    same?.selectors.delete(id);
    if (same?.selectors.size === 0) this.#byKeys.delete(keys);
  }

  /**
   * Those that have one of these labels, and those that share no key with them: a pod may be of
   * both. Some of the former may differ in another label.
   */
  besides(labels: Labels): readonly T[] {
    const found = new Map<string, T>();
    for (const label of Object.entries(labels)) for (const [id, each] of this.#byLabel.get(label.join("=")) ?? []) found.set(id, each);
    for (const { keys, selectors } of this.#byKeys.values())
      if (!keys.some((key) => Object.hasOwn(labels, key))) for (const [id, each] of selectors) found.set(id, each);
    return [...found.values()];
  }
}
