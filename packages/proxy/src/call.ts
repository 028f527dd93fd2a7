import type { Placed } from "./bag.ts";
import type { Route } from "./destination/route.ts";
import type { Refusal } from "./refusal.ts";
import type { PendingEdge } from "./report/edge-reports.ts";
import type { Address } from "./resolve/resolver.ts";

/** What the books need to know of one request of a client, whatever protocol it came by. */
export interface Call extends Placed {
  /** Set by the steps before and after the forwarding, which look at them when the call ends. */
  route: Route | undefined;
  edge: PendingEdge | undefined;
  /** Whether the client left before its answer was complete. */
  readonly gone: boolean;
  /** Whether an answer of the destination began to be relayed. */
  readonly answered: boolean;
  /** The endpoint of the last attempt. */
  readonly address: Address | undefined;
  /** Address and port of the client, where its protocol's server says. */
  readonly client?: string | undefined;
  /** Memory in bytes: of the header, and of what has come of either body and the other side has not taken. */
  readonly heldBytes: number;
  /** Bytes of the bodies that the other side has taken. */
  readonly takenBytes: number;
  /** Ends the call for the sake of the memory that it takes: with the refusal, or where an answer or a refusal is on its way by breaking that off. */
  giveUp(refusal: Refusal): void;
  /** What the call becomes when it is answered, if it is more than a request. */
  readonly kind?: "upgrade" | "tls";
  /** Answers the client with a refusal. @param keepAlive false to tell it to close its connection, where its protocol has words for that */
  refuse(refusal: Refusal, keepAlive: boolean): void;
}

/** A request as it goes to the destination. Its body, if any, stays with the call that it came by. */
export interface ForwardedRequest {
  readonly method: string;
  /** Request target, every byte as the client sent it. */
  readonly path: string;
  /** Value of Host or `:authority`. */
  readonly authority: string;
  /** Flat list of names and values, without Host. */
  readonly headers: string[];
  /** Whether the request's header announced a body (HTTP/1.1 only; HTTP/2 says it with the end of the stream). */
  readonly hasBody: boolean;
}

/** A call that may come to nothing. */
export interface FallibleCall extends Call {
  /** The client gets no answer of the destination: because there is none, or because a step refused before one was asked for. */
  fail(refusal: Refusal, cause?: Error): void;
}

/** A request that the pipeline drives: exactly one of `forward` and `fail` is called, once. */
export interface PipelineCall extends FallibleCall {
  /** Connects and forwards. @param addresses never empty */
  forward(request: ForwardedRequest, addresses: readonly Address[]): void;
}

/** A connection that the pipeline drives, which is no HTTP that could be read: exactly one of `connect` and `fail` is called, once. */
export interface ConnectionCall extends FallibleCall {
  /** Connects, and passes bytes both ways. @param addresses never empty */
  connect(addresses: readonly Address[]): void;
}

/** What the steps around a call want to know of it. */
export interface CallObserver {
  /** The destination's final status is there; nothing was written to the client yet. */
  answered(call: Call, status: number): void;
  /** A connection that cannot be read is connected to its destination. */
  connected(): void;
  /** Nothing came back that could be relayed. The observer answers the client. */
  failed(call: Call, refusal: Refusal, cause: Error | undefined): void;
  /** A connect attempt failed; the next endpoint may still answer. */
  connectFailed(): void;
  /**
   * The destination broke off an answer of which the client has the beginning. The client is told so by a broken connection or stream, never by a
   * clean end.
   *
   * @param cause what was wrong, for the log
   */
  brokenOff(call: Call, cause: Error): void;
  /** We broke off an answer of which the client has the beginning, or a connection that passed through. */
  gaveUp(call: Call, refusal: Refusal): void;
  /** The client's side is done with this call, in whatever way. Called once. */
  closed(call: Call): void;
}
