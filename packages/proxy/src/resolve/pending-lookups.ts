import { partOfFree } from "@fenceline/api/vocabulary";
import type { Resolution } from "./resolver.ts";

/** A look-up under way. */
export interface PendingLookup {
  readonly result: Promise<Resolution>;
  /**
   * The same, but with the expired answer when the look-up takes too long. Only if there is an
   * expired answer.
   */
  soon: Promise<Resolution> | undefined;
  /** Whether it takes too long by now. */
  isLate: boolean;
}

/**
 * Most look-ups at a time. Each costs two questions, and memory until they are answered or time
 * out.
 */
const MAX_PENDING = 1_000;
/**
 * The callers of one namespace get a third of what the others leave, 250 at most: unanswered names
 * of one namespace, or of several together, must not block the look-ups of others.
 */
const PART = 3;
const LEAST = 2;

/** The look-ups under way: one for each target, however many requests wait for it. */
export class PendingLookups {
  readonly #byTarget = new Map<string, PendingLookup>();
  readonly #byShare = new Map<string, number>();

  of(target: string): PendingLookup | undefined {
    return this.#byTarget.get(target);
  }

  /**
   * Whether another one may begin.
   *
   * @param share whose it is: a namespace, or what callers without one have in common
   */
  hasRoom(share: string): boolean {
    return (this.#byShare.get(share) ?? 0) < partOfFree(MAX_PENDING, this.#byTarget.size, PART, LEAST);
  }

  /** Keeps a look-up until it ends. */
  add(target: string, share: string, lookup: PendingLookup): void {
    this.#byTarget.set(target, lookup);
    this.#byShare.set(share, (this.#byShare.get(share) ?? 0) + 1);
    const end = () => {
      this.#byTarget.delete(target);
      const left = (this.#byShare.get(share) ?? 1) - 1;
      if (left === 0) this.#byShare.delete(share);
      else this.#byShare.set(share, left);
    };
    // A rejection is handled here: if an expired answer was used, nobody else waits for it.
    lookup.result.then(end, end);
  }
}
