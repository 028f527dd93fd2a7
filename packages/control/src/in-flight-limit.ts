/** Settings of an {@link InFlightLimit}. */
export interface InFlightLimits {
  /** Never fewer. Default 4. */
  readonly least?: number;
  /** Never more. Default 32. */
  readonly most?: number;
}

/** Share of the newest duration in the smoothed one. */
const NEWEST = 0.1;
/**
 * A server that takes this many times its best duration has more writes than it can work on at
 * once.
 */
const SLOW = 2;
/** Milliseconds that are added to it, since the best duration may be a single one. */
const NOISE = 10;
/** What is left of the limit after a write that was slow. */
const DECREASE = 0.98;
/**
 * After this many writes the limit falls to a quarter, and the best duration is measured again: a
 * measurement with many writes under way says little, and a server may become slower, or quicker,
 * for good.
 */
const WRITES_BETWEEN_PROBES = 1_000;
const PROBE = 0.25;

/**
 * How many writes may be under way at a time: as many as the server takes.
 *
 * As with TCP, more are sent as long as they come back as quickly as before, and fewer once they
 * wait for each other. The pause that a 429 asks for counts as time that the write took. Several in
 * flight hide the round trip, and keep a server with many cores busy. Too many only stand in the
 * server's queue, where nothing can go before them any more.
 */
export class InFlightLimit {
  readonly #least: number;
  readonly #most: number;
  #limit: number;
  #best = Number.POSITIVE_INFINITY;
  #smoothed: number | undefined;
  #writes = 0;

  constructor({ least = 4, most = 32 }: InFlightLimits = {}) {
    this.#least = least;
    this.#most = most;
    this.#limit = least;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * A write came to its end.
   *
   * @param took milliseconds
   * @param inFlight how many were under way, this one included: a limit that is not used up says
   * nothing of the server
   */
  ended(took: number, inFlight: number): void {
    this.#writes += 1;
    if (this.#writes % WRITES_BETWEEN_PROBES === 0) this.#probe();
    this.#best = Math.min(this.#best, took);
    this.#smoothed = this.#smoothed === undefined ? took : this.#smoothed + (took - this.#smoothed) * NEWEST;
    if (this.#smoothed > this.#best * SLOW + NOISE) this.#limit = Math.max(this.#least, this.#limit * DECREASE);
    else if (inFlight >= this.limit) this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
  }

  #probe(): void {
    this.#limit = Math.max(this.#least, this.#limit * PROBE);
    this.#best = Number.POSITIVE_INFINITY;
    this.#smoothed = undefined;
  }
}
