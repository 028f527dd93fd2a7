import { fenceKeyOf, type Labels, type ServiceFence } from "@fenceline/api";

/** A fence, and labels of the pods that it is for. */
export interface FenceOfPods {
  readonly fence: ServiceFence;
  readonly labels: Labels;
}

/** Fences whose selectors have the same keys. */
interface SameKeys {
  readonly keys: readonly string[];
  readonly fences: Map<string, FenceOfPods>;
}

/**
 * The fences of a namespace by what their selectors say, so that those that may be for the same
 * pods are found without a look at every one.
 */
export class FencesOfLabels {
  readonly #byLabel = new Map<string, Map<string, FenceOfPods>>();
  readonly #byKeys = new Map<string, SameKeys>();

  add(of: FenceOfPods): void {
    const { name } = fenceKeyOf(of.fence);
    for (const [key, value] of Object.entries(of.labels)) {
      const id = `${key}=${value}`;
      const fences = this.#byLabel.get(id) ?? new Map<string, FenceOfPods>();
      this.#byLabel.set(id, fences.set(name, of));
    }
    const keys = Object.keys(of.labels).sort();
    const same = this.#byKeys.get(keys.join()) ?? { keys, fences: new Map<string, FenceOfPods>() };
    same.fences.set(name, of);
    this.#byKeys.set(keys.join(), same);
  }

  delete({ fence, labels }: FenceOfPods): void {
    const { name } = fenceKeyOf(fence);
    for (const [key, value] of Object.entries(labels)) {
      const fences = this.#byLabel.get(`${key}=${value}`);
      fences?.delete(name);
      if (fences?.size === 0) this.#byLabel.delete(`${key}=${value}`);
    }
    const keys = Object.keys(labels).sort().join();
    const same = this.#byKeys.get(keys);
    same?.fences.delete(name);
    if (same?.fences.size === 0) this.#byKeys.delete(keys);
  }

  /**
   * Fences that say the same of a label, or nothing of any label, that these are of: a pod may be
   * of both.
   */
  besides(labels: Labels): readonly FenceOfPods[] {
    const found = new Map<string, FenceOfPods>();
    for (const [key, value] of Object.entries(labels))
      for (const [name, each] of this.#byLabel.get(`${key}=${value}`) ?? []) found.set(name, each);
    for (const { keys, fences } of this.#byKeys.values())
      if (!keys.some((key) => key in labels)) for (const [name, each] of fences) found.set(name, each);
    return [...found.values()];
  }
}
