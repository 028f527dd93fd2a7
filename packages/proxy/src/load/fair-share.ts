import type { Route } from "../destination/route.ts";

/** Part of a limit that is free for all callers. */
export const FREE_FOR_ALL = 0.8;
/** Part of a limit beyond which a caller gets nothing more once the free part is used up. */
export const MOST = 0.5;

/** No namespace has this name. */
const UNPROVEN = "";

/**
 * The caller of a call: a namespace that is proved by a certificate. All callers without one count
 * as one, and so do calls without a route yet.
 */
export function callerOf(route: Route | undefined): string {
  return (route?.claim === "believed" ? route.destination.source?.namespace : undefined) ?? UNPROVEN;
}

/**
 * How much each caller holds of something limited that callers share, so that one of them cannot
 * take all of it. It costs a look-up in a small map, and no allocation per request: callers that
 * hold nothing are only removed by {@link sweep}.
 */
export class Holdings {
  readonly #byCaller = new Map<string, number>();
  #held = 0;

  /** The caller has one more. */
  take(caller: string): void {
    this.#held += 1;
    this.#byCaller.set(caller, this.#heldBy(caller) + 1);
  }

  /** The caller has one less. */
  giveBack(caller: string): void {
    this.#held -= 1;
    this.#byCaller.set(caller, this.#heldBy(caller) - 1);
  }

  /**
   * Whether the caller may have one more: the last fifth is for callers that hold less than half.
   *
   * @param max limit of all callers together
   */
  mayTake(caller: string, max: number): boolean {
    return this.#held < max * FREE_FOR_ALL || this.#heldBy(caller) < Math.max(1, max * MOST);
  }

  /** Removes callers that hold nothing. */
  sweep(): void {
    for (const [caller, held] of this.#byCaller) if (held === 0) this.#byCaller.delete(caller);
  }

  #heldBy(caller: string): number {
    return this.#byCaller.get(caller) ?? 0;
  }
}
