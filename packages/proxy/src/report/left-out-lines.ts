/** Failures of one kind without their own lines. */
export interface LeftOut {
  readonly code: string;
  /** Undefined for destinations beyond those that are counted separately. */
  readonly endpoint: string | undefined;
  /** Cause of the last one. */
  readonly cause: string | undefined;
  readonly suppressed: number;
}

/** Most destinations of one code that are counted separately. Others are counted together. */
const NAMED_ENDPOINTS = 50;
/** Milliseconds for which failures are counted before they are reported. */
const GATHERED_FOR = 1_000;

/**
 * Counts the failures whose lines were left out, and reports them by code and destination within a
 * second, whether or not another failure follows. So every incomplete answer is in the log (T-41).
 */
export class LeftOutLines {
  readonly #tell: (failures: LeftOut) => void;
  #ofCode = new Map<string, Map<string | undefined, LeftOut>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param tell called for each code and destination */
  constructor(tell: (failures: LeftOut) => void) {
    this.#tell = tell;
  }

  add(code: string, { endpoint, cause }: Partial<Pick<LeftOut, "endpoint" | "cause">>): void {
    this.#timer ??= setTimeout(() => this.tell(), GATHERED_FOR).unref();
    let ofEndpoint = this.#ofCode.get(code);
    if (ofEndpoint === undefined) {
      ofEndpoint = new Map();
      this.#ofCode.set(code, ofEndpoint);
    }
    const named = ofEndpoint.has(endpoint) || ofEndpoint.size < NAMED_ENDPOINTS ? endpoint : undefined;
    const suppressed = (ofEndpoint.get(named)?.suppressed ?? 0) + 1;
    ofEndpoint.set(named, { code, endpoint: named, cause, suppressed });
  }

  /** Reports at once what was counted so far. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counted = [...this.#ofCode.values()];
    this.#ofCode = new Map();
    for (const ofEndpoint of counted) for (const failures of ofEndpoint.values()) this.#tell(failures);
  }
}
