import type { IncomingHttpHeaders } from "node:http2";
import type { GrpcStatus } from "./grpc-status.ts";

/** One call of a service's method, as the service sees it. */
export interface GrpcCall {
  /** Path of the method. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /**
   * Whom its limits count for: the certified identity where a sidecar vouches for one, else the
   * address. Bounded, and not for metrics: callers choose it.
   */
  readonly peer: string;
  /** `ip:port` of the connection's other end: behind a sidecar that is the sidecar. */
  readonly remoteAddress: string;
  /**
   * Bytes that the service itself holds for this call, beside what the host does; they count for
   * the peer. The call ends when that is too much.
   */
  hold(bytes: number): void;
  /**
   * Reads no further message until the function that it returns is called: something has to be
   * known first. What was sent meanwhile waits at the sender. Called within
   * {@link CallHandler.message}, or before the first one.
   */
  pause(): () => void;
  /**
   * Sends a message. Returns false when no more should be sent until {@link CallHandler.drained}.
   */
  send(message: Buffer): boolean;
  /** Ends the call with this status. Whatever comes after the first end is ignored. */
  end(status: GrpcStatus): void;
}

/**
 * What a service does with one call. Called on the event loop, so what it does not finish at once
 * holds up every call.
 */
export interface CallHandler {
  /** A message, whole. The bytes are valid during the call only. */
  message(bytes: Buffer): void;
  /** The client sends no more messages. */
  halfClosed?(): void;
  /** What was sent has left. */
  drained?(): void;
  /**
   * The host ends the call in good order, because nothing came or because it shuts down. Answer
   * and end it.
   */
  retire(): void;
  /** The call is over, for whatever reason. Called exactly once. */
  closed?(): void;
}

/** A method of a service: how a call of it is handled. */
export interface GrpcMethod {
  /** A call has begun. Its first message comes later. */
  open(call: GrpcCall): CallHandler;
  /**
   * Milliseconds without a message after which the call is retired. Default: never, which suits a
   * call whose client sends one message and then listens.
   */
  readonly maxIdleMs?: number;
  /** A call of it was refused, since there are too many streams. */
  refused?(): void;
}

/** The methods of a service by their paths, `/package.Service/Method`. */
export type GrpcService = Readonly<Record<string, GrpcMethod>>;
