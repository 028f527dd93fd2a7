import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { answerRefusal } from "../answer.ts";
import type { CallObserver, ForwardedRequest, PipelineCall } from "../call.ts";
import type { AddressCheck } from "../destination/address-policy.ts";
import type { Route } from "../destination/route.ts";
import type { Pipeline } from "../pipeline.ts";
import { Refusal } from "../refusal.ts";
import type { PendingEdge } from "../report/edge-reports.ts";
import type { Address } from "../resolve/resolver.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { Attempts } from "./attempts.ts";
import { classifyFailure, type Failure } from "./failure.ts";
import { RequestBody } from "./request-body.ts";
import type { UpstreamPools } from "./upstream-pools.ts";

/** What all exchanges share. */
export interface Http1Context {
  readonly pools: UpstreamPools;
  readonly checkAddress: AddressCheck;
  readonly observer: CallObserver;
  /** Whether answers must tell clients to close their connection. */
  readonly draining: () => boolean;
}

/** undici takes a server name for TLS, though its types do not say so, and else works one out from every Host: 1 % of the time of a request. */
interface DispatchOptions extends Dispatcher.DispatchOptions {
  readonly servername: string;
}
const NO_TLS = "no-tls";
const NOT_HTTP1 = new Refusal("REQUEST_MALFORMED", "the request is not HTTP/1.1 or HTTP/1.0");

/** Steps 4 and 5, connect and forward: one HTTP/1.1 request, its attempts, and its answer on the way back. */
export class Http1Exchange implements PipelineCall, Dispatcher.DispatchHandler {
  route: Route | undefined;
  edge: PendingEdge | undefined;

  readonly #context: Http1Context;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #awaitsContinue: boolean;
  #forwarded: ForwardedRequest | undefined;
  #body: RequestBody | undefined;
  #attempts: Attempts | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #writer: AnswerWriter | undefined;
  /** The destination began to answer: from here on a retry could do the request's work twice. */
  #answering = false;
  #done = false;
  #closed = false;
  #gone = false;

  /** @param awaitsContinue whether the client sent `Expect: 100-continue` */
  constructor(context: Http1Context, request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.#context = context;
    this.#awaitsContinue = awaitsContinue;
    this.#request = request;
    this.#response = response;
    response.on("close", () => this.clientClosed());
  }

  get response(): ServerResponse {
    return this.#response;
  }

  get gone(): boolean {
    return this.#gone;
  }

  get answered(): boolean {
    return this.#writer !== undefined;
  }

  get address(): Address | undefined {
    return this.#attempts?.address;
  }

  /** Takes the request through all steps. */
  run(pipeline: Pipeline): void {
    const { method = "GET", url = "", rawHeaders, httpVersionMajor } = this.#request;
    // llhttp takes HTTP/0.9 and an announced 2.0 for requests like any other.
    pipeline(this, { method, target: url, rawHeaders }, httpVersionMajor === 1 ? undefined : NOT_HTTP1);
  }

  forward(request: ForwardedRequest, addresses: readonly Address[]): void {
    if (this.#done) return;
    this.#forwarded = request;
    this.#attempts = new Attempts(addresses);
    if (request.hasBody) this.#body = new RequestBody(this.#request, this.#awaitsContinue ? this.#response : undefined);
    request.headers.push("host", request.authority);
    this.#attempt();
  }

  fail(refusal: Refusal, cause?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#context.observer.failed(this, refusal, cause);
  }

  refuse(refusal: Refusal, keepAlive: boolean): void {
    answerRefusal(this.#response, refusal, keepAlive);
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
    const { method, path, headers } = request;
    const options: DispatchOptions = { method, path, headers, body: this.#body ?? null, servername: NO_TLS };
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

  #mayTryAgain(failure: Failure, error: Error): boolean {
    if (failure.unsent) return this.#attempts?.mayTryNext(this.#body?.started === true) === true;
    const stale = failure.broken && !this.#answering && this.#context.pools.wasKeptAlive(error);
    return stale && this.#attempts?.mayRepeat(this.#forwarded?.method ?? "", this.#body !== undefined) === true;
  }
}
