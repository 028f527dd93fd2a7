import { type ObjectRef, refText } from "@fenceline/api";

/** So many writes at once, and so many a second in the long run. */
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

/** Part of what all have that only what a call waits for may use. */
const RESERVED = 0.25;
/** Objects whose budget is remembered. One that is forgotten has a whole one again. */
const REMEMBERED = 10_000;

/** What is left for one object, and until when a run that was granted waits for its turn. */
interface Account {
  readonly budget: Budget;
  turn: number | undefined;
}

/**
 * How many rendered objects may be written, for one object and in all. Every one of them has istiod
 * push to Envoys, so neither an object that changes all the time nor a mesh in which everything
 * does may have it work without end. What a call waits for goes first.
 *
 * Whoever comes when nothing is left is given a turn, and need not ask again before: thousands that
 * ask in vain would cost more than their writes.
 */
export class WriteBudget {
  readonly #each: Rate;
  readonly #clock: () => number;
  readonly #all: Budget;
  /** What is kept for what a call waits for. */
  readonly #reserved: Budget;
  readonly #accounts = new Map<string, Account>();

  /** @param clock milliseconds of a clock that never goes back */
  constructor(
    clock: () => number,
    { each = { burst: 50, perSecond: 10 }, all = { burst: 1_000, perSecond: 500 } }: WriteBudgetLimits = {},
  ) {
    this.#each = each;
    this.#clock = clock;
    this.#all = new Budget({ burst: all.burst * (1 - RESERVED), perSecond: all.perSecond * (1 - RESERVED) }, clock());
    this.#reserved = new Budget({ burst: all.burst * RESERVED, perSecond: all.perSecond * RESERVED }, clock());
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
      // A plan is carried out as a whole, also one that is larger than the budget of its object.
      const own = account.budget.spend(Math.min(writes, this.#each.burst), now);
      const ofAll = urgent && this.#reserved.has(writes, now) ? this.#reserved.spend(writes, now) : this.#all.spend(writes, now);
      account.turn = now + Math.max(own, ofAll);
    }
    if (account.turn > now) return account.turn - now;
    account.turn = undefined;
    return 0;
  }

  #accountOf(id: string, now: number): Account {
    const account = this.#accounts.get(id) ?? { budget: new Budget(this.#each, now), turn: undefined };
    // The one that was used last is forgotten last.
    this.#accounts.delete(id);
    this.#accounts.set(id, account);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > REMEMBERED && oldest !== undefined) this.#accounts.delete(oldest);
    return account;
  }
}

/** A token bucket that may be overdrawn: who does so waits until it is even again. */
class Budget {
  readonly #rate: Rate;
  #left: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#at = now;
  }

  has(count: number, now: number): boolean {
    this.#fill(now);
    return this.#left >= count;
  }

  /** Returns after how many milliseconds it is even again. */
  spend(count: number, now: number): number {
    this.#fill(now);
    this.#left -= count;
    return this.#left >= 0 ? 0 : (-this.#left / this.#rate.perSecond) * 1_000;
  }

  #fill(now: number): void {
    this.#left = Math.min(this.#rate.burst, this.#left + (Math.max(0, now - this.#at) / 1_000) * this.#rate.perSecond);
    this.#at = Math.max(this.#at, now);
  }
}
