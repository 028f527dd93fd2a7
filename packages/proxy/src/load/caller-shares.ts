import type { Route } from "../destination/route.ts";
import { Refusal } from "../refusals/refusal.ts";
import { callerOf, FREE_FOR_ALL, MOST } from "./fair-share.ts";

/**
 * Milliseconds for which a count serves, for each call that was counted: 50 with 10,000 of them, so
 * that counting takes less than a hundredth of the time. What was let in meanwhile is added to it;
 * what has ended since is taken to be still there.
 */
const COUNT_SERVES = 0.005;

const TOO_MANY = new Refusal(
  "OVERLOADED",
  "there is little room for more requests in flight, and this caller's namespace has more than half of them",
);

/** Calls in flight. */
interface Counted {
  readonly size: number;
  all(): readonly { readonly route: Route | undefined }[];
}

/**
 * Keeps one caller from taking every place that requests in flight have: a service of its own that
 * never answers is enough for that. Places are reserved for callers that hold less than half of
 * them. A caller is a namespace that its certificate proves; all that prove none are one.
 *
 * Below the reserve a call costs a comparison.
 */
export class CallerShares {
  readonly #calls: Counted;
  readonly #max: number;
  readonly #clock: () => number;
  #counts = new Map<string, number>();
  #countedAt = Number.NEGATIVE_INFINITY;

  /** @param max requests in flight @param clock milliseconds of a monotonic clock */
  constructor(calls: Counted, max: number, clock: () => number = () => performance.now()) {
    this.#calls = calls;
    this.#max = max;
    this.#clock = clock;
  }

  /**
   * Why a call that is in flight by now, and whose route is known, is not taken; undefined when it
   * is.
   */
  readonly admit = (route: Route): Refusal | undefined => {
    if (this.#calls.size <= this.#max * FREE_FOR_ALL) return undefined;
    const now = this.#clock();
    if (now - this.#countedAt < COUNT_SERVES * this.#calls.size) this.#count(route);
    else this.#countAll(now);
    return (this.#counts.get(callerOf(route)) ?? 0) > Math.max(1, this.#max * MOST) ? TOO_MANY : undefined;
  };

  #countAll(now: number): void {
    this.#countedAt = now;
    this.#counts = new Map();
    for (const { route } of this.#calls.all()) if (route !== undefined) this.#count(route);
  }

  #count(route: Route): void {
    const caller = callerOf(route);
    this.#counts.set(caller, (this.#counts.get(caller) ?? 0) + 1);
  }
}
