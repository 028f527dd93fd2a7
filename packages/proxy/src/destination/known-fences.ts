import { EVERY_FENCE } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/**
 * Milliseconds for which a deleted fence still counts. Its EnvoyFilter is deleted after it, and
 * until istiod has updated each Envoy, callers are fenced and have no other way out.
 */
const LEAVING = 5 * 60_000;

/** Most deleted fences that are remembered. Beyond that, the one deleted first is forgotten. */
const MAX_LEAVING = 10_000;

/** The service accounts that are believed for a fence; undefined for all of its namespace. */
type Accounts = readonly string[] | undefined;

interface Leaving {
  /** When it was deleted. */
  readonly since: number;
  readonly accounts: Accounts;
}

/**
 * The existing fences, as the collector sends them. A view stays in force until the next one is
 * complete, however long the collector is away.
 */
export class KnownFences {
  #names = new Map<string, Accounts>();
  /** A view that is not complete yet. */
  #coming: Map<string, Accounts> | undefined;
  readonly #leaving = new LRUCache<string, Leaving>({ max: MAX_LEAVING });
  readonly #clock: () => number;

  /** @param clock milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /**
   * The accounts of each, by `namespace/name`, with {@link EVERY_FENCE} if the collector sends
   * fences at all.
   */
  get names(): ReadonlyMap<string, Accounts> {
    return this.#names;
  }

  /** A view begins. */
  begin(): void {
    this.#coming = new Map();
  }

  /** The view is complete. */
  complete(): void {
    const before = this.#names;
    this.#names = this.#coming ?? before;
    this.#coming = undefined;
    for (const [name, accounts] of before) if (!this.#names.has(name)) this.#leave(name, accounts);
  }

  add(name: string, accounts: Accounts): void {
    (this.#coming ?? this.#names).set(name, accounts);
  }

  remove(name: string): void {
    const accounts = this.#names.get(name);
    if (this.#coming !== undefined) this.#coming.delete(name);
    else if (this.#names.delete(name)) this.#leave(name, accounts);
  }

  /**
   * Whether a fence with this name exists, or did a moment ago. An older collector sends none, so
   * each named fence counts.
   *
   * @param name `namespace/name`
   */
  has(name: string): boolean {
    if (this.#names.has(name) || !this.#names.has(EVERY_FENCE)) return true;
    const leaving = this.#leaving.peek(name);
    return leaving !== undefined && this.#clock() - leaving.since < LEAVING;
  }

  /**
   * Whether certificates of this service account are not believed for the fence, or were not when
   * it was deleted.
   *
   * @param name `namespace/name`
   */
  excludes(name: string, serviceAccount: string): boolean {
    const accounts = this.#names.has(name) ? this.#names.get(name) : this.#leaving.peek(name)?.accounts;
    return accounts !== undefined && !accounts.includes(serviceAccount);
  }

  #leave(name: string, accounts: Accounts): void {
    this.#leaving.set(name, { since: this.#clock(), accounts });
  }
}
