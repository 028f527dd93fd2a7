import { type FenceKey, formatFenceKey } from "@fenceline/api";

/**
 * The shortest window of all fences. A change costs no look at other fences: windows are
 * counted, and of the few different ones that there are the next is found when the shortest goes.
 */
export class ShortestWindow {
  /** In milliseconds, by fence. */
  readonly #byFence = new Map<string, number>();
  readonly #counts = new Map<number, number>();
  #shortest = Number.POSITIVE_INFINITY;

  /** In milliseconds; infinite while there is no fence. */
  get milliseconds(): number {
    return this.#shortest;
  }

  /** A fence came, or is as it is now. */
  set(fence: FenceKey, milliseconds: number): void {
    const id = formatFenceKey(fence);
    const before = this.#byFence.get(id);
    if (before === milliseconds) return;
    this.#byFence.set(id, milliseconds);
    this.#counts.set(milliseconds, (this.#counts.get(milliseconds) ?? 0) + 1);
    this.#shortest = Math.min(this.#shortest, milliseconds);
    if (before !== undefined) this.#remove(before);
  }

  /** A fence is gone. */
  delete(fence: FenceKey): void {
    const id = formatFenceKey(fence);
    const before = this.#byFence.get(id);
    if (this.#byFence.delete(id) && before !== undefined) this.#remove(before);
  }

  #remove(milliseconds: number): void {
    const left = (this.#counts.get(milliseconds) ?? 0) - 1;
    if (left > 0) {
      this.#counts.set(milliseconds, left);
      return;
    }
    this.#counts.delete(milliseconds);
    if (milliseconds !== this.#shortest) return;
    this.#shortest = Number.POSITIVE_INFINITY;
    for (const other of this.#counts.keys()) this.#shortest = Math.min(this.#shortest, other);
  }
}
