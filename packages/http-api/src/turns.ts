/**
 * Lets one piece of work be done in a turn of the event loop, whoever asks: many lists at once take
 * as long as they take, one after the other, and hold up nobody else. First come, first served, so
 * lists that were asked for together get on together.
 */
export class OneATurn {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when the caller may do its next piece. */
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
