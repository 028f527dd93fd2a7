/** Those that wait for a connection, first come, first served. Whoever leaves frees its place at once (T-47). */
export class WaitingLine<W extends { readonly done: boolean }> {
  /** A Set keeps its order, and takes anybody out of the middle. It is empty unless a destination has no room. */
  readonly #waiting = new Set<W>();

  get size(): number {
    return this.#waiting.size;
  }

  join(waiter: W): void {
    this.#waiting.add(waiter);
  }

  /** @returns whether the waiter stood in the line */
  leave(waiter: W): boolean {
    return this.#waiting.delete(waiter);
  }

  has(waiter: W): boolean {
    return this.#waiting.has(waiter);
  }

  /** Takes out the first that still wants a connection. */
  next(): W | undefined {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      if (!waiter.done) return waiter;
    }
    return undefined;
  }

  /** Takes out those behind the first `count`. */
  cutAt(count: number): readonly W[] {
    const late = [...this.#waiting].slice(count);
    for (const waiter of late) this.#waiting.delete(waiter);
    return late.filter(({ done }) => !done);
  }

  /** Takes all out that still want one. */
  takeAll(): readonly W[] {
    const waiters = [...this.#waiting].filter(({ done }) => !done);
    this.#waiting.clear();
    return waiters;
  }
}
