/**
 * What a lab and the application in a pod say to each other, one JSON value a line, over the
 * application's standard input and output. No port is needed for it, and the application ends when
 * its lab does.
 */

import type { GrpcKind } from "./grpc/methods.ts";

/** One HTTP request. */
export interface HttpCall {
  readonly url: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body; they are anyway. Default: no body. */
  readonly bodyBytes?: number;
  /** Send the body without saying its length before. Default false. */
  readonly chunked?: boolean;
  /** Fields that follow the body, which is chunked then. Default: none. */
  readonly trailers?: Readonly<Record<string, string>>;
  /**
   * Announce the body with `Expect: 100-continue` and send it when the server says so. Default
   * false.
   */
  readonly expectContinue?: boolean;
  /** Milliseconds for the whole answer. Default 10,000. */
  readonly timeout?: number;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's JSON if it is some, else its text. */
  readonly body: unknown;
  /** Fields that followed the body. */
  readonly trailers: Readonly<Record<string, string>>;
  /** Statuses of the answers before the final one: 100, 103. */
  readonly interim: readonly number[];
  /** When the request was sent, in milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds until the whole answer was there. */
  readonly took: number;
}

/** What the application's own HTTP server answers with. */
export interface Echo {
  /** `<namespace>/<pod>` that answered. */
  readonly pod: string;
  readonly method: string;
  readonly path: string;
  /** As they reached the application. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the request's body. */
  readonly received: number;
  /** Fields that followed the request's body. */
  readonly trailers: Readonly<Record<string, string>>;
  /** SPIFFE identity of whoever called this pod's Envoy; empty without mTLS. */
  readonly peer: string;
}

/** One TCP exchange: connect, write `send` if given, read one line. */
export interface TcpCall {
  readonly host: string;
  readonly port: number;
  /** Without it the server speaks first. */
  readonly send?: string;
  /** The line that has to come back; any other is an error. Default: any is right. */
  readonly expect?: string;
  /** Milliseconds for all of it. Default 5,000. */
  readonly timeout?: number;
}

/** One gRPC call to another pod's application. */
export interface GrpcCall {
  /** `<host>:<port>` */
  readonly target: string;
  readonly kind: GrpcKind;
  /** Messages that are sent. Default 1. */
  readonly messages?: number;
  /** Bytes of each of them. Default 10. */
  readonly bytes?: number;
  readonly ask?: GrpcAsk;
  /** Milliseconds for the whole call, which the server is told as its deadline. Default 10,000. */
  readonly deadline?: number;
  /** Milliseconds after which the caller gives up by itself. Default: it does not. */
  readonly cancelAfter?: number;
}

/** What a gRPC call asks of the server beyond the echo, in metadata. */
export interface GrpcAsk {
  /** Status other than 0 to end with; then there is no metadata before it. */
  readonly status?: number;
  /** Milliseconds that the one answer of Unary and ClientStreaming waits. Default 0. */
  readonly delay?: number;
  /** Answers of ServerStreaming: 0, 1, 2 … Default 3. */
  readonly answers?: number;
  /** Milliseconds between them. Default 0. */
  readonly interval?: number;
}

/** The metadata in which a {@link GrpcAsk} travels, as JSON. */
export const ASK_FIELD = "x-ask";

/** How a gRPC call went. Binary metadata are in Base64. */
export interface GrpcAnswer {
  readonly status: number;
  readonly details: string;
  /** Metadata before the answers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Metadata at the end; `x-peer` is who called, as the server saw it. */
  readonly trailers: Readonly<Record<string, string>>;
  readonly answers: readonly string[];
  /** The longest time between two answers, in milliseconds. */
  readonly longestGap: number;
  /** When the call began, in milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds until its status was there. */
  readonly took: number;
}

/** One message of access logs, from whoever it says. */
export interface AccessLogCall {
  /** `<host>:<port>` */
  readonly target: string;
  readonly logName: string;
  /** What the sender says of itself: `namespace`, `labels`, `istioVersion`. Default: nothing. */
  readonly node?: Readonly<Record<string, unknown>>;
  /** As in `EntryFields` of the access-log package. */
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  /** Metadata of the stream. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Milliseconds for all of it. Default 10,000. */
  readonly timeout?: number;
}

/** How a WebSocket ended. */
export interface WebSocketEnd {
  readonly code: number;
  /** Whether both sides said so, and the connection was not just cut. */
  readonly wasClean: boolean;
}

/** What stays open until it is closed: a TCP connection, a gRPC call, or a WebSocket (`ws://…`). */
export type LongLivedCall = Pick<TcpCall, "host" | "port"> | GrpcCall | { readonly webSocket: string };

/** The same HTTP request, TCP exchange or gRPC call again and again, at a steady rate. */
export type LoadCall = (HttpCall | TcpCall | GrpcCall) & {
  /** Milliseconds between two of them. Default 1. */
  readonly interval?: number;
};

/** What a load has met so far. */
export interface LoadReport {
  readonly sent: number;
  /** Those that fell due while too many were in flight. */
  readonly skipped: number;
  readonly succeeded: number;
  readonly failed: number;
  /**
   * The first 100 of those that failed: when they were sent, in milliseconds since 1970, and the
   * status or error.
   */
  readonly failures: readonly { readonly at: number; readonly reason: string }[];
  /**
   * By whom the answering pod saw itself called: the caller itself when the path is direct; empty
   * over TCP. Times are when the request was sent.
   */
  readonly peers: readonly { readonly peer: string; readonly count: number; readonly firstAt: number; readonly lastAt: number }[];
  /** Milliseconds of the successful ones. 0 when there are none. */
  readonly p50: number;
  readonly p99: number;
}

export type Command =
  | ({ readonly do: "call" } & HttpCall)
  | ({ readonly do: "connect" } & TcpCall)
  | ({ readonly do: "grpc call" } & GrpcCall)
  | ({ readonly do: "send access logs" } & AccessLogCall)
  | ({ readonly do: "start load" } & LoadCall)
  | { readonly do: "report load" | "stop load"; readonly load: string }
  | ({ readonly do: "open" } & LongLivedCall)
  | { readonly do: "exchange"; readonly connection: string; readonly send: string }
  | { readonly do: "close"; readonly connection: string };

export type Question = Command & { readonly id: number };
export type Reply = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** What the application listens on, in its environment variable `PORTS` as JSON. */
export interface AppPorts {
  /** HTTP/1.1 that answers with an {@link Echo}, and takes WebSockets. */
  readonly http?: readonly number[];
  /** gRPC without TLS. */
  readonly grpc?: readonly number[];
  /** TCP that sends every byte back. */
  readonly echo?: readonly number[];
  /** TCP that speaks first: `hello from <namespace>/<pod>`, then it sends every byte back. */
  readonly greet?: readonly number[];
}

/** Printed once everything listens. */
export const READY = "ready";
