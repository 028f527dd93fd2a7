import { type FenceKey, formatFenceKey } from "@fenceline/api";

/** Milliseconds between two looks at what is due: a deadline is kept to the second. */
const LOOK_MS = 500;

/** What {@link Deadlines} work with. */
export interface DeadlinesOptions {
  /** Milliseconds of the wall clock: a deadline is a point in its time, wherever that jumps. */
  readonly now: () => number;
  /** A fence's deadline has passed. It has none until it is set again. */
  readonly due: (fence: FenceKey) => void;
}

/** When each fence is to be looked at next, because of a time that its spec names. */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #at = new Map<string, { readonly fence: FenceKey; readonly at: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** @param at by the wall clock; undefined for none */
  set(fence: FenceKey, at: number | undefined): void {
    if (at === undefined) this.#at.delete(formatFenceKey(fence));
    else this.#at.set(formatFenceKey(fence), { fence, at });
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#at.clear();
    this.#schedule();
  }

  #schedule(): void {
    const isWanted = !this.#isClosed && this.#at.size > 0;
    if (isWanted) this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
    if (isWanted) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = this.#options.now();
    for (const [id, { fence, at }] of this.#at) {
      if (at > now) continue;
      this.#at.delete(id);
      this.#options.due(fence);
    }
    this.#schedule();
  }
}
