/**
 * What a lab and the application in a pod say to each other, one JSON value a line, over the application's standard input and output. No port
 * is needed for it, and the application ends when its lab does.
 */

/** One HTTP request. */
export interface HttpCall {
  readonly url: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body; they are all the same. Default: no body. */
  readonly bodyBytes?: number;
  /** Send the body without saying its length before. Default false. */
  readonly chunked?: boolean;
  /** Milliseconds for the whole answer. Default 10,000. */
  readonly timeout?: number;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's JSON if it is some, else its text. */
  readonly body: unknown;
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

/** A TCP connection that stays open. */
export type HeldCall = Pick<TcpCall, "host" | "port">;

/** The same HTTP request or TCP exchange again and again, at a steady rate. */
export type LoadCall = (HttpCall | TcpCall) & {
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
  /** The first 100 of those that failed: when they were sent, in milliseconds since 1970, and the status or error. */
  readonly failures: readonly { readonly at: number; readonly reason: string }[];
  /** By whom the answering pod saw itself called: the caller itself when the path is direct; empty over TCP. Times are when the request was sent. */
  readonly peers: readonly { readonly peer: string; readonly count: number; readonly firstAt: number; readonly lastAt: number }[];
  /** Milliseconds of the successful ones. 0 when there are none. */
  readonly p50: number;
  readonly p99: number;
}

export type Command =
  | ({ readonly do: "call" } & HttpCall)
  | ({ readonly do: "connect" } & TcpCall)
  | ({ readonly do: "start load" } & LoadCall)
  | { readonly do: "report load" | "stop load"; readonly load: string }
  | ({ readonly do: "open connection" } & HeldCall)
  | { readonly do: "use connection"; readonly connection: string; readonly send: string }
  | { readonly do: "close connection"; readonly connection: string };

export type Question = Command & { readonly id: number };
export type Reply = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** What the application listens on, in its environment variable `PORTS` as JSON. */
export interface AppPorts {
  /** HTTP/1.1 that answers with an {@link Echo}. */
  readonly http?: readonly number[];
  /** TCP that sends every byte back. */
  readonly echo?: readonly number[];
  /** TCP that speaks first: `hello from <namespace>/<pod>`, then it sends every byte back. */
  readonly greet?: readonly number[];
}

/** Printed once everything listens. */
export const READY = "ready";
