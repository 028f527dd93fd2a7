/** An item that waits in a line. */
export interface InLine {
  /** Whether it does not wait any more. */
  readonly done: boolean;
  /** Whose request it is. It does not change while it waits. */
  readonly caller: string;
}

/**
 * The requests that wait for a connection. Callers take turns; the requests of a caller are served
 * in their order. A request that leaves frees its place at once (T-47). If there are too many, the
 * last one of the caller with the most is removed, so that nobody can fill the line (T-08).
 */
export class WaitingLine<W extends InLine> {
  /**
   * The next caller first. A Set keeps its order, and removes any item cheaply. Everything is empty
   * unless a destination has no room.
   */
  readonly #byCaller = new Map<string, Set<W>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  join(waiter: W): void {
    const waiting = this.#byCaller.get(waiter.caller);
    if (waiting === undefined) this.#byCaller.set(waiter.caller, new Set([waiter]));
    else waiting.add(waiter);
    this.#size += 1;
  }

  /** @returns whether the waiter was in the line */
  leave(waiter: W): boolean {
    const waiting = this.#byCaller.get(waiter.caller);
    if (waiting?.delete(waiter) !== true) return false;
    this.#size -= 1;
    if (waiting.size === 0) this.#byCaller.delete(waiter.caller);
    return true;
  }

  has(waiter: W): boolean {
    return this.#byCaller.get(waiter.caller)?.has(waiter) === true;
  }

  /**
   * Removes and returns the first that still wants a connection.
   *
   * @param mayTake whether this caller may have one now
   */
  next(mayTake: (caller: string) => boolean): W | undefined {
    for (const [caller, waiting] of this.#byCaller) {
      if (!mayTake(caller)) continue;
      const waiter = this.#takeFirst(waiting);
      // Moved to the end, or removed when nobody is left.
      this.#byCaller.delete(caller);
      if (waiting.size > 0) this.#byCaller.set(caller, waiting);
      if (waiter !== undefined) return waiter;
    }
    return undefined;
  }

  /** Removes those beyond `count`, each time the last one of the caller with the most. */
  cutAt(count: number): readonly W[] {
    const late: W[] = [];
    // Copied once: thousands may have to be removed, and to find the last item of a Set takes a
    // walk through it.
    const lines = [...this.#byCaller.values()].map((waiting) => [...waiting]);
    while (this.#size > count) {
      const waiter = lines.reduce((longest, line) => (line.length >= longest.length ? line : longest), []).pop();
      if (waiter === undefined || !this.leave(waiter)) break;
      late.push(waiter);
    }
    return late.filter(({ done }) => !done);
  }

  /**
   * Removes and returns the one that has to leave for a new one when the line is full: the new one
   * itself unless another caller has more waiting than its own. Not called while there is room.
   */
  displacedBy(newcomer: W): W {
    const longest = this.#longest();
    const own = this.#byCaller.get(newcomer.caller)?.size ?? 0;
    const waiter = longest.size > own + 1 ? lastOf(longest) : undefined;
    if (waiter === undefined) return newcomer;
    this.leave(waiter);
    this.join(newcomer);
    return waiter;
  }

  /** Removes and returns all that still want one. */
  takeAll(): readonly W[] {
    const waiters = [...this.#byCaller.values()].flatMap((waiting) => [...waiting]).filter(({ done }) => !done);
    this.#byCaller.clear();
    this.#size = 0;
    return waiters;
  }

  #takeFirst(waiting: Set<W>): W | undefined {
    for (const waiter of waiting) {
      waiting.delete(waiter);
      this.#size -= 1;
      if (!waiter.done) return waiter;
    }
    return undefined;
  }

  #longest(): ReadonlySet<W> {
    let longest: ReadonlySet<W> = new Set();
    for (const waiting of this.#byCaller.values()) if (waiting.size >= longest.size) longest = waiting;
    return longest;
  }
}

function lastOf<W>(waiting: ReadonlySet<W>): W | undefined {
  let last: W | undefined;
  for (const waiter of waiting) last = waiter;
  return last;
}
