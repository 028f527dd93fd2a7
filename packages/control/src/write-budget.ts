import { type ObjectRef, refText, TokenBucket } from "@fenceline/api";
import { LRUCache } from "lru-cache";
import { SharedBucket } from "./shared-bucket.ts";

/** A number of writes at once, and a number per second in the long run. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Settings of a {@link WriteBudget}. */
export interface WriteBudgetLimits {
  /** For one object. Default 50 at once, 10 a second. */
  readonly each?: Rate;
  /** For all together. Default 1,000 at once, 500 a second. */
  readonly all?: Rate;
}

/** Part of the common budget that is reserved for writes that a call waits for. */
const RESERVED = 0.25;
/**
 * Objects whose budget is remembered. Of more the one that was used longest ago is forgotten, and
 * has a whole one again.
 */
const REMEMBERED = 10_000;

/** What is left for one object, and until when a run that was granted waits for its turn. */
interface Account {
  readonly budget: TokenBucket;
  turn: number | undefined;
}

/**
 * How many rendered objects may be written, for one object and in all. Each write makes istiod push
 * to Envoys. Neither an object that changes all the time nor a mesh in which everything changes may
 * keep it pushing without end. What a call waits for goes first.
 *
 * A run that finds nothing left is given a turn, and need not ask again before it: thousands that
 * ask in vain would cost more than their writes.
 */
export class WriteBudget {
  readonly #each: Rate;
  readonly #clock: () => number;
  readonly #all: TokenBucket;
  /**
   * The reserve for writes that a call waits for. Namespaces share it, so that the calls to a
   * thousand objects of one namespace leave something to the others.
   */
  readonly #reserved: SharedBucket;
  readonly #accounts = new LRUCache<string, Account>({ max: REMEMBERED });

  /** @param clock milliseconds of a clock that never goes back */
  constructor(
    clock: () => number,
    { each = { burst: 50, perSecond: 10 }, all = { burst: 1_000, perSecond: 500 } }: WriteBudgetLimits = {},
  ) {
    this.#each = each;
    this.#clock = clock;
    this.#all = new TokenBucket(all.burst * (1 - RESERVED), all.perSecond * (1 - RESERVED), clock());
    this.#reserved = new SharedBucket(all.burst * RESERVED, all.perSecond * RESERVED, clock());
  }

  /**
   * Milliseconds until so many writes may be made; 0 when they may now.
   *
   * @param urgent whether a call waits for them
   */
  pause(owner: ObjectRef, writes: number, urgent: boolean): number {
    const now = this.#clock();
    const account = this.#accountOf(refText(owner), now);
    if (account.turn === undefined) {
      // A plan is carried out as a whole, even one that is larger than the budget of its object.
      const own = account.budget.overdraw(Math.min(writes, this.#each.burst), now);
      const ofAll = urgent && this.#reserved.take(owner.namespace, writes, now) ? 0 : this.#all.overdraw(writes, now);
      account.turn = now + Math.max(own, ofAll);
    }
    if (account.turn > now) return account.turn - now;
    account.turn = undefined;
    return 0;
  }

  #accountOf(id: string, now: number): Account {
    const known = this.#accounts.get(id);
    if (known !== undefined) return known;
    const account = { budget: new TokenBucket(this.#each.burst, this.#each.perSecond, now), turn: undefined };
    this.#accounts.set(id, account);
    return account;
  }
}
