import { LRUCache } from "lru-cache";
import type { Address } from "./resolver.ts";

/** Services whose turn is remembered. One that is forgotten begins anew at a random endpoint. */
const MAX_SERVICES = 10_000;

/** Where a service's next request goes, and where the next one goes that could not connect. */
interface Turn {
  next: number;
  instead: number;
}

/**
 * Round robin over the endpoints of each service.
 *
 * A turn per service and not one for all: two services that are called alternately would each see
 * every other turn, and so every other endpoint (T-40). It belongs to the service and not to a list
 * of addresses, because a resolver makes a new list with each refresh. It begins at a random
 * endpoint, so that workers, replicas and restarts do not all begin at the first one.
 */
export class Turns {
  /** The turn of a list that was seen before, without putting its key together. */
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
   * Takes a turn after others failed. Those who go elsewhere have a round of their own: the
   * neighbour of an endpoint that is down would get all of its requests beside its own, and further
   * turns of the first round would come back to what is down too often.
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

/**
 * The host and port that were resolved; where the resolver does not say, the endpoints themselves.
 */
function serviceOf(addresses: readonly Address[]): string {
  return addresses[0]?.service ?? addresses.map(({ origin }) => origin).join(" ");
}
