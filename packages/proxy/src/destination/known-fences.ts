import { EVERY_FENCE } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/**
 * Milliseconds for which a fence counts that is there no more: its EnvoyFilter goes after it, and
 * until istiod has told each Envoy, callers are fenced and have no other way out.
 */
const LEAVING = 5 * 60_000;

/** Most fences that are remembered as leaving. Of more the one that left first is forgotten. */
const MAX_LEAVING = 10_000;

/**
 * The fences that there are, as the collector tells them. What has come stays in force until the
 * next view is whole, however long the collector is away.
 */
export class KnownFences {
  #names = new Set<string>();
  /** A view that is on its way. */
  #coming: Set<string> | undefined;
  /** When each went. */
  readonly #leaving = new LRUCache<string, number>({ max: MAX_LEAVING });
  readonly #clock: () => number;

  /** @param clock milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** By `namespace/name`, with {@link EVERY_FENCE} if the collector tells fences at all. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** A whole view begins. */
  begin(): void {
    this.#coming = new Set();
  }

  /** The view is whole. */
  complete(): void {
    const before = this.#names;
    this.#names = this.#coming ?? before;
    this.#coming = undefined;
    for (const name of before) if (!this.#names.has(name)) this.#leaving.set(name, this.#clock());
  }

  add(name: string): void {
    (this.#coming ?? this.#names).add(name);
  }

  remove(name: string): void {
    if (this.#coming !== undefined) this.#coming.delete(name);
    else if (this.#names.delete(name)) this.#leaving.set(name, this.#clock());
  }

  /**
   * Whether a fence of this name is there, or was a moment ago. A collector of before tells none,
   * so each that is named counts.
   *
   * @param name `namespace/name`
   */
  has(name: string): boolean {
    if (this.#names.has(name) || !this.#names.has(EVERY_FENCE)) return true;
    const since = this.#leaving.peek(name);
    return since !== undefined && this.#clock() - since < LEAVING;
  }
}
