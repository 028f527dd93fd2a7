import type { FenceKey } from "@fenceline/api/vocabulary";
import type { Route } from "../destination/route.ts";
import { callerOf } from "../load/fair-share.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import type { ForwardedRequest, ReceivedRequest } from "./request.ts";
import type { Listed } from "./unordered-list.ts";

/** The edge as which a call may be learned. */
export interface CallEdge {
  readonly route: Route;
  readonly source: FenceKey;
  /** Whether nothing is to be reported any more. */
  reported: boolean;
}

/** How a protocol carries a call: its connections, its bytes, its form of a refusal. */
export interface Exchange {
  readonly call: Call;
  /** What the call becomes when it is answered, if it is more than a request. */
  readonly kind?: "upgrade" | "tls";
  /** The endpoint of the last attempt. */
  readonly address: Address | undefined;
  /** Address and port of the client, where its protocol's server knows them. */
  readonly client?: string | undefined;
  /**
   * Memory in bytes: of the header, and of the part of either body that the other side has not
   * taken.
   */
  readonly heldBytes: number;
  /** Bytes of the bodies that the other side has taken. */
  readonly takenBytes: number;
  /**
   * Ends the call to free its memory: with the refusal, or, where an answer or a refusal is on its
   * way, by breaking that off.
   */
  giveUp(refusal: Refusal): void;
  /**
   * Answers the client with a refusal.
   *
   * @param keepAlive false to tell it to close its connection, where its protocol can say so
   */
  refuse(refusal: Refusal, keepAlive: boolean): void;
}

/**
 * Carries a request. The pipeline calls `forward` at most once, and not after the call has failed.
 */
export interface RequestExchange extends Exchange {
  /** Connects and forwards. @param addresses never empty */
  forward(request: ForwardedRequest, addresses: readonly Address[]): void;
}

/** Carries a connection that is not HTTP that we can read. */
export interface ConnectionExchange extends Exchange {
  /** Connects, and passes bytes both ways. @param addresses never empty */
  connect(addresses: readonly Address[]): void;
}

/** Takes one request through all steps. @param refused what its server found wrong with it */
export type Pipeline = (exchange: RequestExchange, request: ReceivedRequest, refused?: Refusal) => void;

/**
 * Takes one connection through all steps.
 *
 * @param authority host and port that it asks for, which is all that is known of it
 */
export type ConnectionPipeline = (exchange: ConnectionExchange, authority: string) => void;

/** What the steps around a call need to know of it. */
export interface CallObserver {
  /** The destination's final status has come; nothing was written to the client yet. */
  answered(call: Call, status: number): void;
  /** A connection that cannot be read is connected to its destination. */
  connected(): void;
  /** There is no answer to relay. The observer answers the client. */
  failed(call: Call, refusal: Refusal, cause: Error | undefined): void;
  /** A connect attempt failed; the next endpoint may still answer. */
  connectFailed(): void;
  /**
   * The destination broke off an answer whose beginning the client has. The client sees a broken
   * connection or stream, never a clean end.
   *
   * @param cause what was wrong, for the log
   */
  brokenOff(call: Call, cause: Error): void;
  /** We broke off an answer whose beginning the client has, or a connection that passed through. */
  gaveUp(call: Call, refusal: Refusal): void;
  /** The call is completely over. Called once. */
  closed(call: Call): void;
}

/**
 * One call of a client, whatever its protocol: what the steps recorded about it, and its state.
 * Each exchange has one, and reports to it; the call tells the observer.
 *
 * It is `done` once nobody waits for an answer any more. It is closed later, when the client's side
 * and the rest of its upload are over.
 */
export class Call implements Listed {
  position = -1;
  /** Recorded by the steps before the forwarding, for those that look at the call when it ends. */
  route: Route | undefined;
  edge: CallEdge | undefined;
  readonly exchange: Exchange;
  readonly #observer: CallObserver;
  #answered = false;
  #done = false;
  #gone = false;

  constructor(exchange: Exchange, observer: CallObserver) {
    this.exchange = exchange;
    this.#observer = observer;
  }

  /** Whether an answer of the destination is being relayed, or a connection passes through. */
  get answered(): boolean {
    return this.#answered;
  }

  /**
   * Whether nobody waits for an answer any more: it is complete, refused or broken off, or the
   * client left.
   */
  get done(): boolean {
    return this.#done;
  }

  /** Whether the client left before its answer was complete. */
  get gone(): boolean {
    return this.#gone;
  }

  /** See {@link callerOf}. */
  get caller(): string {
    return callerOf(this.route);
  }

  /**
   * The client gets no answer of the destination: there is none, or a step refused the call before.
   */
  fail(refusal: Refusal, cause?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#observer.failed(this, refusal, cause);
  }

  /** The destination's final status has come, and nothing was written to the client yet. */
  answer(status: number): void {
    this.#answered = true;
    this.#observer.answered(this, status);
  }

  /** A connection that cannot be read is connected to its destination. */
  connected(): void {
    this.#answered = true;
    this.#done = true;
    this.#observer.connected();
  }

  /** The answer is complete, or the call has become a tunnel. */
  complete(): void {
    this.#done = true;
  }

  /**
   * The destination broke off an answer whose beginning the client has.
   *
   * @param cause for the log
   */
  breakOff(cause: Error): void {
    this.#done = true;
    this.#observer.brokenOff(this, cause);
  }

  /**
   * We end the call.
   *
   * @returns whether the client is being told; else what is on its way to it must be broken off
   */
  giveUp(refusal: Refusal): boolean {
    if (!this.#done && !this.#answered) {
      this.fail(refusal);
      return true;
    }
    this.#done = true;
    if (this.#answered) this.#observer.gaveUp(this, refusal);
    return false;
  }

  /** The client's side is closing. @returns whether it left before the call was done */
  leave(): boolean {
    if (this.#done) return false;
    this.#gone = true;
    this.#done = true;
    return true;
  }

  /** The call is completely over. Called once. */
  close(): void {
    this.#observer.closed(this);
  }
}
