import { doublingPause, type PauseLimits } from "@fenceline/api";

/** Before a fence is made again. */
const PAUSE: PauseLimits = { first: 1_000, longest: 60_000 };

/**
 * How often the fence of one name may be made. One that we made and that is gone again was deleted
 * by somebody, who may do so again and again.
 */
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
    return made.at + doublingPause(made.times, PAUSE) - this.#clock();
  }

  /** Takes note that it was made, or found. */
  made(id: string): void {
    this.#made.set(id, { times: (this.#made.get(id)?.times ?? 0) + 1, at: this.#clock() });
  }

  /** Forgets every other of these namespaces. */
  retain(isConcerned: (namespace: string) => boolean, ids: ReadonlySet<string>): void {
    for (const id of this.#made.keys()) if (!ids.has(id) && isConcerned(id.slice(0, id.indexOf("/")))) this.#made.delete(id);
  }
}
