import { doublingPause, shortenedAtRandom } from "@fenceline/api/vocabulary";
import type { Address } from "../resolve/resolver.ts";
import type { Turns } from "../resolve/turns.ts";
import type { Call, CallObserver } from "./call.ts";
import type { Failure } from "./failure.ts";

/**
 * How many times one request may try to connect, to one endpoint after the other. With more, a
 * caller would only wait longer for a service that is down.
 */
const MAX_CONNECTS = 3;
/**
 * Milliseconds before an endpoint is tried once more, by the number of failed connects. A ClusterIP
 * is one endpoint for us and many pods for the node, and a pod that is restarted listens again
 * soon. The caller's Envoy would try another pod itself, twice (Istio's default retries), but our
 * 502 is an answer to it.
 */
const PAUSES = { first: 50, longest: 100 };
/**
 * How many times one request is sent again because its connection was closed before it was looked
 * at. As many as an address has connections: those of a destination that stops send GOAWAY one
 * after the other, and a request may meet each of them.
 */
const MAX_GOING_AWAY = 16;
/** RFC 9110 §9.2.2. TRACE is refused earlier. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Where attempts get their connections. */
export interface ConnectionSource<Waiter> {
  /** Gets the waiter a connection to an endpoint whose address was checked. */
  acquire(address: Address, waiter: Waiter): void;
  /** The waiter wants no connection any more. */
  leave(address: Address, waiter: Waiter): void;
}

/** What all attempts share. */
export interface AttemptContext {
  readonly observer: CallObserver;
  readonly turns: Turns;
}

/**
 * Decides which endpoint a call tries, and whether it may try another: RFC 9110 §9.2.2, and
 * stricter.
 */
export class Attempts<Waiter> {
  readonly #context: AttemptContext;
  readonly #source: ConnectionSource<Waiter>;
  readonly #call: Call;
  readonly #waiter: Waiter;
  readonly #addresses: readonly Address[];
  /** Position of the current endpoint. */
  #at: number;
  /** Positions of the endpoints to which no connection was possible. */
  #failed: number[] | undefined;
  #connects = 0;
  #pause: NodeJS.Timeout | undefined;
  #retried = false;
  #goingAway = 0;

  /** @param waiter gets the connection @param addresses never empty */
  constructor(context: AttemptContext, source: ConnectionSource<Waiter>, call: Call, waiter: Waiter, addresses: readonly Address[]) {
    this.#context = context;
    this.#source = source;
    this.#call = call;
    this.#waiter = waiter;
    this.#addresses = addresses;
    this.#at = context.turns.take(addresses);
  }

  /** The endpoint of the current attempt. */
  get address(): Address | undefined {
    return this.#addresses[this.#at];
  }

  /** Connects to the current endpoint, the first time or once more. */
  begin(): void {
    const { address } = this;
    if (address === undefined || this.#call.done) return;
    this.#source.acquire(address, this.#waiter);
  }

  /** Nobody waits for a connection any more. */
  leave(): void {
    clearTimeout(this.#pause);
    const { address } = this;
    if (address !== undefined) this.#source.leave(address, this.#waiter);
  }

  /**
   * There is no connection to the current endpoint. If nothing was sent, the next one is tried,
   * whatever the method; after all of them, the first is tried again after a pause. Not after a
   * timeout, since the caller has waited, too. Nor after an endpoint that accepted and closed
   * again: something listens there, and rejected us (T-38).
   */
  onNoConnection(failure: Failure, error: Error): void {
    if (this.#call.done) return;
    if (failure.unsent) this.#context.observer.connectFailed();
    this.#connects += 1;
    if (!failure.unsent || this.#connects >= MAX_CONNECTS) this.#call.fail(failure.refusal, error);
    else if (this.#nextEndpoint()) this.begin();
    else if (failure.refusal.code === "CONNECT_FAILED") this.#beginSoon();
    else this.#call.fail(failure.refusal, error);
  }

  /** Turns to an endpoint that was not tried yet; false when there is none. */
  #nextEndpoint(): boolean {
    this.#failed ??= [];
    this.#failed.push(this.#at);
    if (this.#failed.length >= this.#addresses.length) return false;
    this.#at = this.#context.turns.takeInstead(this.#addresses, this.#failed);
    return true;
  }

  #beginSoon(): void {
    this.#failed = undefined;
    this.#at = this.#context.turns.take(this.#addresses);
    this.#pause = setTimeout(() => this.begin(), shortenedAtRandom(doublingPause(this.#connects, PAUSES)));
  }

  /**
   * Whether to repeat after a kept-alive connection broke without an answer. A server may close an
   * idle connection while the next request is on its way, and that has nothing to do with the
   * request. Once, only for requests that may safely be done twice, and only without a body.
   */
  mayRepeat(method: string, hasBody: boolean): boolean {
    if (this.#retried || hasBody || !IDEMPOTENT.has(method)) return false;
    this.#retried = true;
    return true;
  }

  /**
   * Whether to repeat after a destination reset the stream of a request that it did not look at
   * (RFC 9113 §8.7): once, whatever the method.
   */
  mayRepeatRefused(): boolean {
    if (this.#retried) return false;
    this.#retried = true;
    return true;
  }

  /**
   * Whether to repeat after a connection was closed by GOAWAY before the destination looked at the
   * request (RFC 9113 §6.8): a few times, whatever the method.
   */
  mayRepeatBehindGoaway(): boolean {
    this.#goingAway += 1;
    return this.#goingAway <= MAX_GOING_AWAY;
  }
}
