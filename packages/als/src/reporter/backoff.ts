/** How long to wait between attempts. */
export interface BackoffOptions {
  /** Longest wait before the first retry, in milliseconds. Default 100. */
  readonly firstMs: number;
  /** Longest wait of all, in milliseconds. Default 5,000. */
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 100, maxMs: 5_000 };

/**
 * Exponential back-off with jitter over the upper half: the bound doubles with each failure, the wait is random between half of it and all of it.
 * So proxies that lost the same collector at the same moment do not come back at the same moment, and none spins.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #bound: number;

  /** `random` gives numbers in [0, 1). */
  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
    this.#bound = options.firstMs;
  }

  get maxMs(): number {
    return this.#options.maxMs;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const bound = this.#bound;
    this.#bound = Math.min(bound * 2, this.#options.maxMs);
    return (bound / 2) * (1 + this.#random());
  }

  /** After a success the next failure is the first one again. */
  reset(): void {
    this.#bound = this.#options.firstMs;
  }
}
