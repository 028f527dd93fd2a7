import { doublingPause, type PauseLimits } from "@fenceline/api";

/**
 * How often the same object may be made. A new one is made at once. One that we made and that is
 * gone was deleted by somebody, who may do so again and again. So it is made again ever more
 * slowly, and whoever watches such objects hears of few changes.
 */
export class RepeatPace<Key> {
  readonly #limits: PauseLimits;
  readonly #clock: () => number;
  readonly #made = new Map<Key, { readonly times: number; readonly at: number }>();

  /** @param clock milliseconds of a clock that never goes back */
  constructor(limits: PauseLimits, clock: () => number) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Milliseconds until it may be made; 0 or less when it may now. */
  pause(key: Key): number {
    const made = this.#made.get(key);
    return made === undefined ? 0 : made.at + doublingPause(made.times, this.#limits) - this.#clock();
  }

  /** Takes note that it was made, by us or by a replica just before. */
  made(key: Key): void {
    this.#made.set(key, { times: (this.#made.get(key)?.times ?? 0) + 1, at: this.#clock() });
  }

  /** Forgets what is wanted no more. */
  retain(isWanted: (key: Key) => boolean): void {
    for (const key of this.#made.keys()) if (!isWanted(key)) this.#made.delete(key);
  }
}
