import type { Route } from "../destination/route.ts";
import { Refusal } from "../refusals/refusal.ts";
import { callerOf, FREE_FOR_ALL, MOST } from "./fair-share.ts";

/**
 * Milliseconds for which a count is used, per counted call: 50 for 10,000 calls, so that counting
 * takes less than a hundredth of the time. Calls that are admitted meanwhile are added. Calls that
 * have ended meanwhile still count.
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
 * Prevents one caller from taking all places of requests in flight: a destination of its own that
 * never answers would be enough for that. Places are reserved for callers that hold less than half
 * of them. A caller is a namespace that is proved by a certificate. All callers without one count
 * as one.
 *
 * Below the reserve a call costs only a comparison.
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
   * Why a call, which counts as in flight already and whose route is known, is not admitted;
   * undefined when it is.
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
