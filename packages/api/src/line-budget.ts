/** Settings of a {@link LineBudget}. */
export interface LineBudgetOptions {
  /**
   * Lines of a kind in a window. Default 3: who is refused a thousand times is so for one reason.
   */
  readonly lines?: number;
  /** Length of a window in milliseconds, from its first line on. Default 10,000. */
  readonly window?: number;
  /** Milliseconds. Default `performance.now`. */
  readonly clock?: () => number;
}

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
  readonly #lines: number;
  readonly #window: number;
  readonly #clock: () => number;
  readonly #windows = new Map<string, { begin: number; lines: number; suppressed: number }>();

  constructor({ lines = LINES, window = WINDOW, clock = () => performance.now() }: LineBudgetOptions = {}) {
    this.#lines = lines;
    this.#window = window;
    this.#clock = clock;
  }

  /**
   * How many lines of this kind were left out before this one; undefined when this one is to be
   * left out too.
   */
  take(kind: string): number | undefined {
    const now = this.#clock();
    let window = this.#windows.get(kind);
    // A wall clock may be set back.
    if (window === undefined || Math.abs(now - window.begin) >= this.#window) {
      window = { begin: now, lines: 0, suppressed: window?.suppressed ?? 0 };
      // The one that told last is forgotten last.
      this.#windows.delete(kind);
      this.#windows.set(kind, window);
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > KINDS && oldest !== undefined) this.#windows.delete(oldest);
    }
    if (window.lines >= this.#lines) {
      window.suppressed += 1;
      return undefined;
    }
    window.lines += 1;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }
}

/**
 * Whether a failure is told by its place in a row: the first, second, fourth, … A thousand objects
 * that fail for an hour must not fill the disk with the same line.
 */
export function isToldInRow(failures: number): boolean {
  return Number.isInteger(Math.log2(failures));
}
