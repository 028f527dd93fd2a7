/** Shortest and longest pause between two tries, in milliseconds. */
export const SHORTEST_PAUSE = 1_000;
export const LONGEST_PAUSE = 30_000;
/**
 * Longest pause, in milliseconds, while a kind is absent or forbidden. The answer costs the API server next to nothing, and whoever has just
 * installed the CRD, or granted the right, waits for what follows.
 */
export const LONGEST_UNAVAILABLE_PAUSE = 5_000;

/**
 * Pauses between 1 and 30 s that double with every failure.
 *
 * Each is shortened by up to a half at random: the API server that comes back must not meet all its clients in the same second.
 */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random between 0 and 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /**
   * The pause after one more failure, in milliseconds.
   *
   * @param longest what to stop doubling at
   */
  next(longest = LONGEST_PAUSE): number {
    this.#failures += 1;
    const whole = Math.min(longest, SHORTEST_PAUSE * 2 ** this.#failures);
    return Math.max(SHORTEST_PAUSE, whole * (1 - this.#random() / 2));
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
