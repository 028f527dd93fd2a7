/**
 * Items that wait, by their owner. Each owner has a queue, first in, first out, and owners take
 * turns. So an owner with a long queue delays another owner by one item per turn.
 */
export class FairLine {
  /** The share whose turn is next first. None is empty. */
  readonly #shares = new Map<string, Set<string>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Does nothing when it waits already. */
  add(id: string, share: string): void {
    const ids = this.#shares.get(share);
    if (ids?.has(id)) return;
    if (ids === undefined) this.#shares.set(share, new Set([id]));
    else ids.add(id);
    this.#size += 1;
  }

  /** Returns whether it was waiting. */
  delete(id: string, share: string): boolean {
    const ids = this.#shares.get(share);
    if (ids?.delete(id) !== true) return false;
    this.#size -= 1;
    if (ids.size === 0) this.#shares.delete(share);
    return true;
  }

  /** Takes the next one. */
  next(): string | undefined {
    for (const [share, ids] of this.#shares) {
      for (const id of ids) {
        this.delete(id, share);
        // To the end, if anything of it is left.
        if (this.#shares.delete(share)) this.#shares.set(share, ids);
        return id;
      }
    }
    return undefined;
  }
}
