/** Something that can be in one bag at a time. */
export interface Placed {
  /** Where it is in its bag, -1 while it is in none. The bag's own; nobody else writes it. */
  place: number;
}

/**
 * An unordered collection of what comes and goes with every request.
 *
 * Not a `Set`: V8 gives a `Set` of 32 live members a new table every 32 additions, and the table left behind points to the new one, for the iterators that may still
 * be on it. Once one such table has grown old, all later ones are kept alive with what stands in them, until the next full collection. Requests
 * held that way were a quarter of all that the proxy allocated: each collection of the young generation took 5 ms in place of 0.8.
 */
export class Bag<T extends Placed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** @param item in no bag */
  add(item: T): void {
    item.place = this.#items.push(item) - 1;
  }

  /** Takes the item out; false when it is in no bag. The last item takes its place. */
  delete(item: T): boolean {
    const { place } = item;
    if (place === -1) return false;
    item.place = -1;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[place] = last;
      last.place = place;
    }
    return true;
  }

  /** Takes all items out. */
  takeAll(): readonly T[] {
    const items = this.#items.splice(0);
    for (const item of items) item.place = -1;
    return items;
  }

  /** The items now; what is done with them may change the bag. */
  list(): readonly T[] {
    return [...this.#items];
  }
}
