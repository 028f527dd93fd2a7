/** Limits of a pause that doubles, in milliseconds. */
export interface PauseLimits {
  readonly first: number;
  readonly longest: number;
}

/**
 * The pause after so many times in a row, in milliseconds: none after none, then the first one,
 * doubled with every further time up to the longest.
 */
export function doublingPause(times: number, { first, longest }: PauseLimits): number {
  return times === 0 ? 0 : Math.min(longest, first * 2 ** (times - 1));
}

/**
 * A pause shortened by up to a half at random: what failed together does not come back together.
 *
 * @param random gives numbers in [0, 1)
 */
export function shortenedAtRandom(pause: number, random: () => number = Math.random): number {
  return pause * (1 - random() / 2);
}

/**
 * The pauses between tries: they double with every failure in a row, and each is shortened by up to
 * a half at random.
 */
export class Backoff {
  readonly #limits: PauseLimits;
  readonly #random: () => number;
  #failures = 0;

  /** @param random gives numbers in [0, 1) */
  constructor(limits: PauseLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /**
   * The pause after one more failure, in milliseconds.
   *
   * @param longest what to stop doubling at this time. Default: that of the limits
   */
  next(longest: number = this.#limits.longest): number {
    this.#failures += 1;
    return shortenedAtRandom(doublingPause(this.#failures, { ...this.#limits, longest }), this.#random);
  }

  /** All is well: the next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }

  /** Failures since the last {@link reset}. */
  get failures(): number {
    return this.#failures;
  }
}
