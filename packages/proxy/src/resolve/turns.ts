import { LRUCache } from "lru-cache";
import type { Address } from "./resolver.ts";

/** Most services whose turn is remembered. A forgotten one starts again at a random endpoint. */
const MAX_SERVICES = 10_000;

/** The endpoint of a service's next request, and of the next retry after a failed connect. */
interface Turn {
  next: number;
  instead: number;
}

/**
 * Round robin over the endpoints of each service.
 *
 * Each service has its own turn: with one for all, two services that are called alternately would
 * each use only every other endpoint (T-40). It belongs to the service and not to a list of
 * addresses, because a resolver makes a new list at each refresh. It starts at a random endpoint,
 * so that workers, replicas and restarts do not all start at the first one.
 */
export class Turns {
  /** The turn of a known list, so that its key need not be built. */
  readonly #ofList = new WeakMap<readonly Address[], Turn>();
  readonly #ofService = new LRUCache<string, Turn>({ max: MAX_SERVICES });
  readonly #random: () => number;

  /** @param random gives numbers in [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Takes a turn. @returns the position of its endpoint in the list; 0 for an empty one */
  take(addresses: readonly Address[]): number {
    if (addresses.length < 2) return 0;
    const turn = this.#of(addresses);
    const at = turn.next % addresses.length;
    turn.next = (turn.next + 1) % Number.MAX_SAFE_INTEGER;
    return at;
  }

  /**
   * Takes a turn after others failed. Retries have their own round: otherwise the neighbour of an
   * endpoint that is down would get all of its requests beside its own, and further turns of the
   * first round would return to the dead endpoint too often.
   *
   * @param failed positions that were tried; fewer than there are addresses
   */
  takeInstead(addresses: readonly Address[], failed: readonly number[]): number {
    const turn = this.#of(addresses);
    for (;;) {
      const at = turn.instead % addresses.length;
      turn.instead = (turn.instead + 1) % Number.MAX_SAFE_INTEGER;
      if (!failed.includes(at)) return at;
    }
  }

  #of(addresses: readonly Address[]): Turn {
    return this.#ofList.get(addresses) ?? this.#find(addresses);
  }

  #find(addresses: readonly Address[]): Turn {
    const key = serviceOf(addresses);
    let turn = this.#ofService.get(key);
    if (turn === undefined) {
      const start = Math.floor(this.#random() * addresses.length);
      turn = { next: start, instead: start };
      this.#ofService.set(key, turn);
    }
    this.#ofList.set(addresses, turn);
    return turn;
  }
}

/** The host and port that were resolved; if the resolver does not say, the endpoints themselves. */
function serviceOf(addresses: readonly Address[]): string {
  return addresses[0]?.service ?? addresses.map(({ origin }) => origin).join(" ");
}
