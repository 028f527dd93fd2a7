/** Pause before a fence is made again, in milliseconds: doubling with every time, up to the longest. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

/** How often the fence of one name may be made. One that we made and that is gone again was deleted by somebody, who may do so again and again. */
export class CreationPace {
  readonly #clock: () => number;
  readonly #made = new Map<string, { readonly times: number; readonly at: number }>();

  /** @param clock milliseconds of a clock that never goes back */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Milliseconds until the fence may be made; 0 or less when it may now. */
  pause(id: string): number {
    const made = this.#made.get(id);
    if (made === undefined) return 0;
    return made.at + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (made.times - 1)) - this.#clock();
  }

  /** Takes note that it was made, or found. */
  made(id: string): void {
    this.#made.set(id, { times: (this.#made.get(id)?.times ?? 0) + 1, at: this.#clock() });
  }

  /** Forgets every other. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.#made.keys()) if (!ids.has(id)) this.#made.delete(id);
  }
}
