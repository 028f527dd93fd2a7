import type { IncomingMessage, ServerResponse } from "node:http";
import { type AttemptContext, type AttemptOwner, Attempts } from "../calls/attempts.ts";
import type { PendingEdge, Pipeline, PipelineCall } from "../calls/call.ts";
import { classifyFailure, classifyNoConnection } from "../calls/failure.ts";
import type { ForwardedRequest } from "../calls/request.ts";
import type { Route } from "../destination/route.ts";
import { callerOf } from "../load/fair-share.ts";
import { headerMemory } from "../load/header-memory.ts";
import { clientAddress } from "../net/client-address.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import type { AnswerHead } from "./answer-head.ts";
import { AnswerWriter } from "./answer-writer.ts";
import type { ConnectionUser, UpstreamConnection, Waiter } from "./connection.ts";
import type { PendingRequest } from "./half-closed.ts";
import { relayInterim } from "./interim-answers.ts";
import type { UpstreamPools } from "./pools.ts";
import { answerRefusal } from "./refuse.ts";
import { requestHead } from "./request-text.ts";
import { Upload } from "./upload.ts";
import { versionFault } from "./version-fault.ts";

/** What all exchanges share. */
export interface Http1Context extends AttemptContext {
  readonly pools: UpstreamPools;
  /** Whether answers must tell clients to close their connection. */
  readonly draining: () => boolean;
}

/** Steps 4 and 5, connect and forward: one HTTP/1.1 request, its attempts, and its answer on the way back. */
export class Http1Exchange implements PipelineCall, AttemptOwner, Waiter, ConnectionUser, PendingRequest {
  route: Route | undefined;
  edge: PendingEdge | undefined;
  place = -1;

  readonly #context: Http1Context;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** Whether the client waits for `100 Continue` before it sends its body. */
  #awaitsContinue: boolean;
  #forwarded: ForwardedRequest | undefined;
  #attempts: Attempts | undefined;
  #connection: UpstreamConnection | undefined;
  #upload: Upload | undefined;
  #writer: AnswerWriter | undefined;
  /** Counted only when it is asked for. */
  #headerMemory: number | undefined;
  #repeats = false;
  #done = false;
  #gone = false;

  /** @param awaitsContinue whether the client sent `Expect: 100-continue` */
  constructor(context: Http1Context, request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.#context = context;
    this.#awaitsContinue = awaitsContinue;
    this.#request = request;
    this.#response = response;
    response.on("close", () => this.#onClientClosed());
  }

  get gone(): boolean {
    return this.#gone;
  }

  get answered(): boolean {
    return this.#writer?.begun === true;
  }

  get address(): Address | undefined {
    return this.#attempts?.address;
  }

  get caller(): string {
    return callerOf(this.route);
  }

  get client(): string | undefined {
    return clientAddress(this.#request.socket);
  }

  get heldBytes(): number {
    const { url = "", rawHeaders, readableLength } = this.#request;
    this.#headerMemory ??= headerMemory(url, rawHeaders);
    return this.#headerMemory + (this.#forwarded?.hasBody === true ? readableLength : 0) + this.#unsent;
  }

  get takenBytes(): number {
    return (this.#upload?.received ?? 0) + (this.#writer?.received ?? 0) - this.#unsent;
  }

  get waitsInLine(): boolean {
    const { address } = this;
    return this.#connection === undefined && address !== undefined && this.#context.pools.waitsInLine(address, this);
  }

  /** Whether the client has its answer, or left. */
  get done(): boolean {
    return this.#done;
  }

  get needsFresh(): boolean {
    return this.#repeats;
  }

  /** Takes the request through all steps. */
  run(pipeline: Pipeline): void {
    const { method = "GET", url = "", rawHeaders } = this.#request;
    pipeline(this, { method, target: url, rawHeaders }, versionFault(this.#request));
  }

  forward(request: ForwardedRequest, addresses: readonly Address[]): void {
    if (this.#done) return;
    this.#forwarded = request;
    this.#attempts = new Attempts(this.#context, this, addresses);
    this.#attempts.begin();
  }

  fail(refusal: Refusal, cause?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#context.observer.failed(this, refusal, cause);
  }

  refuse(refusal: Refusal, keepAlive: boolean): void {
    // Where its form is in doubt, so is what follows on the connection (RFC 9112 §6.3).
    const isCertain = refusal.code !== "REQUEST_MALFORMED" && !this.#awaitsContinue;
    answerRefusal(this.#response, refusal, keepAlive && isCertain);
  }

  giveUp(refusal: Refusal): void {
    // When this is done, the connection may be another's by now.
    const leaveDestination = this.#done ? () => {} : () => this.#leaveDestination();
    this.#upload?.stop();
    if (!this.#done && !this.answered) this.fail(refusal);
    else {
      this.#done = true;
      if (this.answered) this.#context.observer.gaveUp(this, refusal);
      // A client may not take a refusal either.
      this.#response.destroy();
    }
    leaveDestination();
    this.#request.resume();
  }

  connectTo(address: Address): void {
    this.#connection = undefined;
    this.#context.pools.acquire(address, this);
  }

  onConnection(connection: UpstreamConnection): void {
    const request = this.#forwarded;
    if (request === undefined) return;
    this.#connection = connection;
    if (!request.hasBody) {
      connection.send(requestHead(request, false), request.method, this);
      connection.endRequest();
      return;
    }
    const chunked = this.#request.headers["content-length"] === undefined;
    // Header and first piece of the body in one segment.
    connection.cork();
    connection.send(requestHead(request, chunked), request.method, this);
    this.#upload = new Upload(this.#request, connection, chunked);
    this.#upload.start();
  }

  onNoConnection(error: Error): void {
    this.#attempts?.onNoConnection(classifyNoConnection(error), error);
  }

  onInterim(head: AnswerHead): void {
    if (head.status === 100) this.#awaitsContinue = false;
    relayInterim(this.#request, this.#response, head);
  }

  onAnswer(head: AnswerHead): void {
    // Who still waits for 100 will not send the body: what comes next on the connection cannot be told (RFC 9110 §10.1.1).
    const closeAfter = this.#context.draining() || this.#awaitsContinue;
    this.#writer = new AnswerWriter(this.#request, this.#response, head, closeAfter);
  }

  onData(data: Buffer): void {
    if (!this.#done) this.#paced(this.#writer?.write(data));
  }

  onFlush(): void {
    const writer = this.#writer;
    if (this.#done || writer === undefined || writer.begun) return;
    this.#context.observer.answered(this, writer.status);
    this.#paced(writer.flush());
  }

  onEnd(trailers: [string, string][]): void {
    if (this.#done) return;
    this.#done = true;
    this.#upload?.stop();
    const writer = this.#writer;
    if (writer === undefined) return;
    if (!writer.begun) this.#context.observer.answered(this, writer.status);
    writer.end(trailers);
  }

  onDrain(): void {
    this.#upload?.resume();
  }

  onRefused(): void {
    this.#upload?.stop();
  }

  onError(error: Error): void {
    if (this.#done) return;
    this.#upload?.stop();
    if (this.#writer?.begun === true) {
      this.#done = true;
      this.#context.observer.brokenOff(this, error);
      this.#response.destroy();
      return;
    }
    const failure = classifyFailure(error);
    if (failure.broken && this.#mayRepeat()) {
      this.#repeats = true;
      this.#attempts?.begin();
    } else this.fail(failure.refusal, error);
  }

  /** The client's connection is done with this answer, after it or in the midst of it. */
  #onClientClosed(): void {
    if (!this.#done) {
      this.#gone = true;
      this.#done = true;
      this.#leaveDestination();
    }
    this.#context.observer.closed(this);
  }

  #leaveDestination(): void {
    const { address } = this;
    if (this.#connection !== undefined) this.#connection.destroy();
    else if (address !== undefined) this.#context.pools.leave(address, this);
  }

  /** What was read of one side, and the other has not taken. */
  get #unsent(): number {
    const upload = this.#done || this.#upload === undefined ? 0 : (this.#connection?.waiting ?? 0);
    return upload + this.#response.writableLength;
  }

  /** Back-pressure: a client that reads slowly stops the reading from the destination, and with it the destination. */
  #paced(mayWrite: boolean | undefined): void {
    const connection = this.#connection;
    if (mayWrite !== false || connection === undefined || connection.paused) return;
    connection.pause();
    this.#response.once("drain", () => connection.resume());
  }

  #mayRepeat(): boolean {
    const connection = this.#connection;
    if (connection === undefined || !connection.isKeptAlive || connection.answerBegun) return false;
    const { method = "", hasBody = true } = this.#forwarded ?? {};
    return this.#attempts?.mayRepeat(method, hasBody) === true;
  }
}
