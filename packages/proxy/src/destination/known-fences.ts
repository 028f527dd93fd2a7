import { EVERY_FENCE } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/**
 * Milliseconds for which a deleted fence still counts. Its EnvoyFilter is deleted after it, and
 * until istiod has updated each Envoy, callers are fenced and have no other way out.
 */
const LEAVING = 5 * 60_000;

/** Most deleted fences that are remembered. Beyond that, the one deleted first is forgotten. */
const MAX_LEAVING = 10_000;

/**
 * The existing fences, as the collector sends them. A view stays in force until the next one is
 * complete, however long the collector is away.
 */
export class KnownFences {
  #names = new Set<string>();
  /** A view that is not complete yet. */
  #coming: Set<string> | undefined;
  /** When each was deleted. */
  readonly #leaving = new LRUCache<string, number>({ max: MAX_LEAVING });
  readonly #clock: () => number;

  /** @param clock milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** By `namespace/name`, with {@link EVERY_FENCE} if the collector sends fences at all. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** A view begins. */
  begin(): void {
    this.#coming = new Set();
  }

  /** The view is complete. */
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
   * Whether a fence with this name exists, or did a moment ago. An older collector sends none, so
   * each named fence counts.
   *
   * @param name `namespace/name`
   */
  has(name: string): boolean {
    if (this.#names.has(name) || !this.#names.has(EVERY_FENCE)) return true;
    const since = this.#leaving.peek(name);
    return since !== undefined && this.#clock() - since < LEAVING;
  }
}
