import type { IncomingHttpHeaders } from "node:http2";
import type { GrpcStatus } from "./grpc-status.ts";

/** One call of a service's method, as the service sees it. */
export interface GrpcCall {
  /** Path of the method. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /**
   * The peer to which its limits apply: the certified identity where a sidecar gives one, else the
   * address. Its length is bounded. Not for metrics, since callers choose it.
   */
  readonly peer: string;
  /** `ip:port` of the connection's other end: behind a sidecar that is the sidecar. */
  readonly remoteAddress: string;
  /**
   * Bytes that the service itself holds for this call, beside those of the host. They count for the
   * peer. The call ends when they are too many.
   */
  hold(bytes: number): void;
  /**
   * Reads no further message until the returned function is called. Meanwhile messages wait at the
   * sender. Called within {@link CallHandler.message}, or before the first message.
   */
  pause(): () => void;
  /**
   * Sends a message. Returns false when no more should be sent until {@link CallHandler.drained}.
   */
  send(message: Buffer): boolean;
  /** Ends the call with this status. Everything after the first end is ignored. */
  end(status: GrpcStatus): void;
}

/**
 * What a service does with one call. It runs on the event loop, so a slow handler delays every
 * call.
 */
export interface CallHandler {
  /** A whole message. The bytes are valid only during this function. */
  message(bytes: Buffer): void;
  /** The client sends no more messages. */
  halfClosed?(): void;
  /** Everything that was sent has left the buffer. */
  drained?(): void;
  /**
   * The host ends the call in good order, because nothing arrived or because it shuts down. The
   * handler has to answer and end it.
   */
  retire(): void;
  /** The call has ended, for whatever reason. Called exactly once. */
  closed?(): void;
}

/** A method of a service: how a call of it is handled. */
export interface GrpcMethod {
  /** A call has begun. Its first message comes later. */
  open(call: GrpcCall): CallHandler;
  /**
   * Milliseconds without a message after which the call is retired. Default: never, which suits a
   * call whose client sends one message and then only receives.
   */
  readonly maxIdleMs?: number;
  /** A call of it was refused, because there are too many streams. */
  refused?(): void;
}

/** The methods of a service by their paths, `/package.Service/Method`. */
export type GrpcService = Readonly<Record<string, GrpcMethod>>;
