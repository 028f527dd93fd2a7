/**
 * Lines of a kind in this many milliseconds. Whoever is refused a thousand times a second is
 * refused for one reason.
 */
const WINDOW = 10_000;
const LINES = 3;
/** Kinds that are remembered. Of more the oldest is forgotten, and begins anew. */
const KINDS = 1_000;

/**
 * Lets few log lines of each kind through, and counts the others. A kind is a reason, or a
 * namespace: who writes something bad into its objects all the time must not fill the log that all
 * share.
 */
export class LineBudget {
  readonly #clock: () => number;
  readonly #windows = new Map<string, { begin: number; lines: number; suppressed: number }>();

  /** @param clock milliseconds of a monotonic clock */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * How many lines of this kind were left out before this one; undefined when this one is to be
   * left out too.
   */
  take(kind: string): number | undefined {
    const now = this.#clock();
    let window = this.#windows.get(kind);
    if (window === undefined || now - window.begin >= WINDOW) {
      window = { begin: now, lines: 0, suppressed: window?.suppressed ?? 0 };
      // The one that told last is forgotten last.
      this.#windows.delete(kind);
      this.#windows.set(kind, window);
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > KINDS && oldest !== undefined) this.#windows.delete(oldest);
    }
    if (window.lines >= LINES) {
      window.suppressed += 1;
      return undefined;
    }
    window.lines += 1;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }
}
