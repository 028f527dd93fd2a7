import type { Address } from "../resolve/resolver.ts";

/** Endpoints that one request may try to connect to. More would only make a caller wait for a service that is down. */
const MAX_ENDPOINTS_TRIED = 3;
/** RFC 9110 §9.2.2. TRACE is refused before it gets here. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Where the next request begins among its endpoints: round robin over all requests, which evens out over the requests of each service. */
let turn = 0;

/** Which endpoint a request tries, and whether it may try another: RFC 9110 §9.2.2, and stricter. */
export class Attempts {
  readonly #addresses: readonly Address[];
  readonly #turn = turn;
  #endpointsTried = 0;
  #retried = false;

  /** @param addresses never empty */
  constructor(addresses: readonly Address[]) {
    this.#addresses = addresses;
    turn = (turn + 1) % Number.MAX_SAFE_INTEGER;
  }

  /** The endpoint of the current attempt. */
  get address(): Address | undefined {
    return this.#addresses[(this.#turn + this.#endpointsTried) % this.#addresses.length];
  }

  /** After a connect that failed, so that nothing was sent: goes on to the next endpoint. */
  mayTryNext(): boolean {
    if (this.#endpointsTried + 1 >= Math.min(this.#addresses.length, MAX_ENDPOINTS_TRIED)) return false;
    this.#endpointsTried += 1;
    return true;
  }

  /**
   * After a kept-alive connection broke without an answer: a server may close an idle connection just as the next request is under way to it,
   * and that says nothing about the request. Once, only for what does no harm when done twice, and only without a body.
   */
  mayRepeat(method: string, hasBody: boolean): boolean {
    if (this.#retried || hasBody || !IDEMPOTENT.has(method)) return false;
    this.#retried = true;
    return true;
  }

  /** After a destination said that it did not look at the request (RFC 9113 §8.7): once, whatever the method. */
  mayRepeatRefused(): boolean {
    if (this.#retried) return false;
    this.#retried = true;
    return true;
  }
}
