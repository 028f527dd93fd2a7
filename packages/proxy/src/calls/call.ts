import type { FenceKey } from "@fenceline/api/vocabulary";
import type { Route } from "../destination/route.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import type { ForwardedRequest, ReceivedRequest } from "./request.ts";
import type { Placed } from "./unordered-list.ts";

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

/** The reporting state of one request. */
export interface PendingEdge {
  readonly route: Route;
  readonly source: FenceKey;
  /** Whether nothing is to be reported any more. */
  reported: boolean;
}

/** Takes one call through all steps. @param refused what its listener found wrong with the request */
export type Pipeline = (call: PipelineCall, request: ReceivedRequest, refused?: Refusal) => void;

/** Takes one connection through all steps. @param authority host and port that it asks for, the only thing known of it */
export type ConnectionPipeline = (call: ConnectionCall, authority: string) => void;
