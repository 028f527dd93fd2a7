import { LeftOutLines } from "./left-out-lines.ts";

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
 * Lets few log lines of each kind through. A kind is a reason, or a namespace: who writes something
 * bad into its objects all the time must not fill the log that all share.
 */
export class LineBudget {
  readonly #lines: number;
  readonly #window: number;
  readonly #clock: () => number;
  readonly #windows = new Map<string, { readonly begin: number; lines: number }>();

  constructor({ lines = LINES, window = WINDOW, clock = () => performance.now() }: LineBudgetOptions = {}) {
    this.#lines = lines;
    this.#window = window;
    this.#clock = clock;
  }

  /** Whether a line of this kind may be told; then it is counted. */
  take(kind: string): boolean {
    const now = this.#clock();
    let window = this.#windows.get(kind);
    // A wall clock may be set back.
    if (window === undefined || Math.abs(now - window.begin) >= this.#window) {
      window = { begin: now, lines: 0 };
      // The one that told last is forgotten last.
      this.#windows.delete(kind);
      this.#windows.set(kind, window);
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > KINDS && oldest !== undefined) this.#windows.delete(oldest);
    }
    if (window.lines >= this.#lines) return false;
    window.lines += 1;
    return true;
  }
}

/**
 * A {@link LineBudget} that reports how many lines it left out: within a second, and once in a
 * window while more are left out.
 */
export class ToldLineBudget {
  readonly #budget: LineBudget;
  readonly #leftOut: LeftOutLines;

  /** @param tell how many lines of a kind were left out; undefined for those of too many kinds */
  constructor(tell: (kind: string | undefined, suppressed: number) => void, options: LineBudgetOptions = {}) {
    const { window = WINDOW, clock } = options;
    this.#budget = new LineBudget(options);
    this.#leftOut = new LeftOutLines(({ of, suppressed }) => tell(of, suppressed), { every: window, ...(clock && { clock }) });
  }

  /** Whether a line of this kind may be told; else it is counted as left out. */
  take(kind: string): boolean {
    const isTold = this.#budget.take(kind);
    if (!isTold) this.#leftOut.add("", kind, undefined);
    return isTold;
  }
}

/**
 * Whether a failure is told by its place in a row: the first, second, fourth, … A thousand objects
 * that fail for an hour must not fill the disk with the same line.
 */
export function isToldInRow(failures: number): boolean {
  return Number.isInteger(Math.log2(failures));
}
