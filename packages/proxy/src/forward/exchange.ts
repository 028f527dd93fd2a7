import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import type { AddressCheck } from "../destination/address-policy.ts";
import type { Route } from "../destination/route.ts";
import type { Refusal } from "../refusal.ts";
import type { PendingEdge } from "../report/edge-reports.ts";
import type { Address } from "../resolve/resolver.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { classifyFailure, type Failure } from "./failure.ts";
import type { RequestBody } from "./request-body.ts";
import type { UpstreamPools } from "./upstream-pools.ts";

/** A request as it goes to the destination. */
export interface ForwardedRequest {
  readonly method: string;
  readonly path: string;
  /** Flat list of names and values, Host included. */
  readonly headers: string[];
  readonly body: RequestBody | undefined;
}

/** What the steps around an exchange want to know of it. */
export interface ExchangeObserver {
  /** The destination's final status is there; nothing was written to the client yet. */
  answered(exchange: Exchange, status: number): void;
  /** Nothing came back that could be relayed. The observer answers the client. */
  failed(exchange: Exchange, refusal: Refusal, cause: Error | undefined): void;
  /** A connect attempt failed; the next endpoint may still answer. */
  connectFailed(): void;
  /** The destination broke off an answer that had begun. The client's connection is closed, so that it cannot take it for complete. */
  brokenOff(): void;
  /** The client's connection is done with this exchange, in whatever way. Called once. */
  closed(exchange: Exchange): void;
}

/** What all exchanges share. */
export interface ForwardContext {
  readonly pools: UpstreamPools;
  readonly checkAddress: AddressCheck;
  readonly observer: ExchangeObserver;
  /** Whether answers must tell clients to close their connection. */
  readonly draining: () => boolean;
}

/** RFC 9110 §9.2.2. TRACE is refused before it gets here. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** Endpoints that one request may try to connect to. More would only make a caller wait for a service that is down. */
const MAX_ENDPOINTS_TRIED = 3;

/** undici takes a server name for TLS, though its types do not say so, and else works one out from every Host: 1 % of the time of a request. */
interface DispatchOptions extends Dispatcher.DispatchOptions {
  readonly servername: string;
}
const NO_TLS = "no-tls";

/** Where the next exchange begins among its endpoints: round robin over all requests, which evens out over the requests of each service. */
let turn = 0;

/** Steps 4 and 5, connect and forward: one request, its attempts, and its answer on the way back. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Set by the steps before and after, which look at them when the exchange ends. */
  route: Route | undefined;
  edge: PendingEdge | undefined;

  readonly #context: ForwardContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #forwarded: ForwardedRequest | undefined;
  #addresses: readonly Address[] = [];
  #turn = 0;
  #endpointsTried = 0;
  #retried = false;
  #controller: Dispatcher.DispatchController | undefined;
  #writer: AnswerWriter | undefined;
  /** The destination began to answer: from here on a retry could do the request's work twice. */
  #answering = false;
  #done = false;
  #closed = false;
  #gone = false;

  constructor(context: ForwardContext, request: IncomingMessage, response: ServerResponse) {
    this.#context = context;
    this.#request = request;
    this.#response = response;
    response.on("close", () => this.clientClosed());
  }

  get response(): ServerResponse {
    return this.#response;
  }

  /** Whether the client's connection ended before its answer did. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether an answer of the destination began to be relayed. */
  get answered(): boolean {
    return this.#writer !== undefined;
  }

  /** The endpoint of the last attempt. */
  get address(): Address | undefined {
    return this.#addresses[(this.#turn + this.#endpointsTried) % this.#addresses.length];
  }

  /** @param addresses never empty */
  forward(request: ForwardedRequest, addresses: readonly Address[]): void {
    if (this.#done) return;
    this.#forwarded = request;
    this.#addresses = addresses;
    this.#turn = turn;
    turn = (turn + 1) % Number.MAX_SAFE_INTEGER;
    this.#attempt();
  }

  /** The client gets no answer of the destination: because there is none, or because the observer refused before one was asked for. */
  fail(refusal: Refusal, cause?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#context.observer.failed(this, refusal, cause);
  }

  /** The client's connection closed, after the answer or in the midst of it. */
  clientClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#done) {
      this.#gone = true;
      this.#done = true;
      this.#controller?.abort(new Error("the client closed the connection"));
    }
    this.#context.observer.closed(this);
  }

  #attempt(): void {
    const { address } = this;
    const request = this.#forwarded;
    if (address === undefined || request === undefined || this.#done) return;
    const refusal = this.#context.checkAddress(address);
    if (refusal !== undefined) {
      this.fail(refusal);
      return;
    }
    const { method, path, headers, body } = request;
    const options: DispatchOptions = { method, path, headers, body: body ?? null, servername: NO_TLS };
    this.#context.pools.get(address).dispatch(options, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The client left while the request waited for a connection.
    if (this.#done) controller.abort(new Error("the client closed the connection"));
  }

  onResponseStarted(): void {
    this.#answering = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, statusMessage?: string): void {
    // 1xx: what they ask for (100, 101) was not forwarded, and the others may be dropped by this hop until it relays them all.
    if (status < 200) return;
    this.#writer = new AnswerWriter(this.#request, this.#response);
    this.#writer.begin(controller, status, statusMessage ?? "", this.#context.draining());
    this.#context.observer.answered(this, status);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#writer?.write(controller, chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#done = true;
    this.#writer?.end(controller);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#done || this.#request.socket.destroyed) return;
    if (this.#response.headersSent) {
      this.#done = true;
      this.#context.observer.brokenOff();
      this.#response.destroy();
      return;
    }
    const failure = classifyFailure(error);
    if (failure.unsent) this.#context.observer.connectFailed();
    // Not at once: undici calls from the midst of its own bookkeeping for this connection.
    if (this.#mayTryAgain(failure, error)) queueMicrotask(() => this.#attempt());
    else this.fail(failure.refusal, error);
  }

  /** RFC 9110 §9.2.2, and stricter: only what surely did not reach an application, or did no harm if it did. */
  #mayTryAgain(failure: Failure, error: Error): boolean {
    const body = this.#forwarded?.body;
    if (failure.unsent) {
      this.#endpointsTried += 1;
      return this.#endpointsTried < Math.min(this.#addresses.length, MAX_ENDPOINTS_TRIED) && body?.started !== true;
    }
    // A server may close an idle connection just as the next request is under way to it; that says nothing about the request.
    const stale = failure.broken && !this.#answering && this.#context.pools.wasKeptAlive(error);
    if (!stale || this.#retried || body !== undefined || !IDEMPOTENT.has(this.#forwarded?.method ?? "")) return false;
    this.#retried = true;
    return true;
  }
}
