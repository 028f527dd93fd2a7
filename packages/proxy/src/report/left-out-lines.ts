/** Failures of one kind that got no line of their own. */
export interface LeftOut {
  readonly code: string;
  /** Undefined for those beyond the number of destinations that are told apart. */
  readonly endpoint: string | undefined;
  /** Of the last one. */
  readonly cause: string | undefined;
  readonly suppressed: number;
}

/** Destinations that are told apart, of one code. The others are counted together. */
const NAMED_ENDPOINTS = 50;
/** Milliseconds that failures are counted before they are told. */
const GATHERED_FOR = 1_000;

/**
 * Counts the failures whose lines were left out, and tells them by code and destination within a
 * second, whether another failure follows or not: so every broken answer is in the log (T-41).
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

  /** Tells what was counted so far, at once. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const counted = [...this.#ofCode.values()];
    this.#ofCode = new Map();
    for (const ofEndpoint of counted) for (const failures of ofEndpoint.values()) this.#tell(failures);
  }
}
