import type { Route } from "../destination/route.ts";

/** Part of a limit that callers may use without being told apart. */
export const FREE_FOR_ALL = 0.8;
/** Part of a limit beyond which a caller gets no more once the free part is used up. */
export const MOST = 0.5;

/** No namespace has this name. */
const UNPROVEN = "";

/**
 * Whose call it is: a namespace that its certificate proves. All callers that prove none, and calls
 * that have no route yet, are one.
 */
export function callerOf(route: Route | undefined): string {
  return (route?.claim === "believed" ? route.destination.source?.namespace : undefined) ?? UNPROVEN;
}

/**
 * How much each caller holds of something bounded that callers share, so that one of them cannot
 * take all of it. To keep that costs a look into a small map, and nothing is made for a request:
 * who holds nothing is forgotten by {@link sweep} only.
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
   * Whether the caller may have one more: of the last fifth those get one that hold less than half.
   *
   * @param max for all callers together
   */
  mayTake(caller: string, max: number): boolean {
    return this.#held < max * FREE_FOR_ALL || this.#heldBy(caller) < Math.max(1, max * MOST);
  }

  /** Forgets callers that hold nothing. */
  sweep(): void {
    for (const [caller, held] of this.#byCaller) if (held === 0) this.#byCaller.delete(caller);
  }

  #heldBy(caller: string): number {
    return this.#byCaller.get(caller) ?? 0;
  }
}
