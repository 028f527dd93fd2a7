import { partOfFree } from "@fenceline/api";

/** Below this the scale is applied, in place of losing digits. */
const SMALLEST_SCALE = 1e-6;

/**
 * A token bucket that many share. Even if many ask for more than there is, one that took little
 * lately finds room: each may take a part of what the others leave ({@link partOfFree}).
 */
export class SharedBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  /** What each has taken and not given back yet, divided by the scale. */
  readonly #taken = new Map<string, number>();
  /** What comes back is shared in proportion, so one number does for all. */
  #scale = 1;
  #total = 0;
  #at: number;

  /** @param now milliseconds of a monotonic clock */
  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#at = now;
  }

  /**
   * Takes this many tokens. Returns false, and takes none, when there are too few for this share.
   */
  take(share: string, count: number, now: number): boolean {
    this.#fill(now);
    const taken = (this.#taken.get(share) ?? 0) * this.#scale;
    if (taken + count > partOfFree(this.#burst, this.#total, 1, 1)) return false;
    this.#total += count;
    this.#taken.set(share, (taken + count) / this.#scale);
    return true;
  }

  #fill(now: number): void {
    const before = this.#total;
    this.#total = Math.max(0, before - (Math.max(0, now - this.#at) / 1_000) * this.#perSecond);
    this.#at = Math.max(this.#at, now);
    if (this.#total === 0) {
      this.#taken.clear();
      this.#scale = 1;
      return;
    }
    this.#scale *= this.#total / before;
    if (this.#scale > SMALLEST_SCALE) return;
    for (const [share, taken] of this.#taken) this.#taken.set(share, taken * this.#scale);
    this.#scale = 1;
  }
}
