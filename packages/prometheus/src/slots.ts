/**
 * Runs at most this many pieces of work at a time. Later ones wait for a place, first come, first
 * served.
 */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** Runs the work when there is a place for it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place goes directly to the next one, so nobody can take it in between.
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
