import { type FenceKey, formatFenceKey } from "@fenceline/api";

/** Milliseconds between two checks for due deadlines: they are kept to the second. */
const LOOK_MS = 500;

/** Settings of {@link Deadlines}. */
export interface DeadlinesOptions {
  /** Milliseconds of the wall clock: a deadline is a time of that clock, even if it is set. */
  readonly now: () => number;
  /** A fence's deadline has passed. The fence has none until one is set again. */
  readonly due: (fence: FenceKey) => void;
}

/** When each fence is to be looked at next because of a time in its spec. */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #at = new Map<string, { readonly fence: FenceKey; readonly at: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** @param at milliseconds of the wall clock; undefined for none */
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
