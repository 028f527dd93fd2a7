/**
 * Allows one piece of work in a turn of the event loop, whoever asks. So many lists at once take
 * longer, but do not block anything else. The order is first come, first served, so lists that were
 * requested together progress together.
 */
export class OneATurn {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the caller may do its next piece of work. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#pump();
    });
  }

  #pump(): void {
    setImmediate(() => {
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#pump();
    });
  }
}
