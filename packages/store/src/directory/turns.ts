/** Runs the tasks for one place one after the other, in the order in which they were asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Resolves or rejects as `run` does. */
  async take<T>(place: string, run: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(place) ?? Promise.resolve()).then(run);
    const ended = mine.catch(() => {});
    this.#last.set(place, ended);
    try {
      return await mine;
    } finally {
      if (this.#last.get(place) === ended) this.#last.delete(place);
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
