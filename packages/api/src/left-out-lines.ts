/** Log lines that were left out. */
export interface UntoldLines<Detail> {
  /** What the lines say. */
  readonly line: string;
  /** What they are about; undefined for subjects beyond those that are counted separately. */
  readonly of: string | undefined;
  readonly suppressed: number;
  /** Of the last of them. */
  readonly detail: Detail;
}

/** Settings of {@link LeftOutLines}. */
export interface LeftOutLinesOptions {
  /**
   * Least milliseconds between two reports about the same lines. Default 1,000. A budget of few
   * lines in a long time needs more, or the reports are more lines than the budget allows.
   */
  readonly every?: number;
  /** Milliseconds. Default `performance.now`. */
  readonly clock?: () => number;
}

interface Counted<Detail> {
  suppressed: number;
  detail: Detail;
  toldAt: number;
}

/** Most subjects of one line that are counted separately. Others are counted together. */
const TOLD_APART = 50;
/** Milliseconds for which lines are counted before they are reported. */
const GATHERED_FOR = 1_000;

/**
 * Counts the log lines that were left out, and reports them within a second, whether or not another
 * line follows (T-41). While more lines are left out, they are reported again from time to time.
 */
export class LeftOutLines<Detail = undefined> {
  readonly #tell: (lines: UntoldLines<Detail>) => void;
  readonly #every: number;
  readonly #clock: () => number;
  readonly #byLine = new Map<string, Map<string | undefined, Counted<Detail>>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param tell called for each line and subject */
  constructor(
    tell: (lines: UntoldLines<Detail>) => void,
    { every = GATHERED_FOR, clock = () => performance.now() }: LeftOutLinesOptions = {},
  ) {
    this.#tell = tell;
    this.#every = every;
    this.#clock = clock;
  }

  add(line: string, of: string | undefined, detail: Detail): void {
    this.#wait();
    let ofLine = this.#byLine.get(line);
    if (ofLine === undefined) {
      ofLine = new Map();
      this.#byLine.set(line, ofLine);
    }
    const apart = ofLine.has(of) || ofLine.size < TOLD_APART ? of : undefined;
    const { suppressed, toldAt } = ofLine.get(apart) ?? { suppressed: 0, toldAt: Number.NEGATIVE_INFINITY };
    ofLine.set(apart, { suppressed: suppressed + 1, detail, toldAt });
  }

  /** Reports what was counted so far, at once. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tellFrom(Number.POSITIVE_INFINITY);
    this.#byLine.clear();
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tellFrom(this.#clock() - this.#every);
      if (this.#byLine.size > 0) this.#wait();
    }, GATHERED_FOR).unref();
  }

  /** Reports what was not reported since then, and forgets what the next look may report. */
  #tellFrom(since: number): void {
    for (const [line, ofLine] of this.#byLine) {
      for (const [of, counted] of ofLine) {
        const { suppressed, detail } = counted;
        if (counted.toldAt > since) continue;
        if (suppressed > 0) this.#tell({ line, of, suppressed, detail });
        if (suppressed > 0 && this.#every > GATHERED_FOR) Object.assign(counted, { suppressed: 0, toldAt: this.#clock() });
        else ofLine.delete(of);
      }
      if (ofLine.size === 0) this.#byLine.delete(line);
    }
  }
}
