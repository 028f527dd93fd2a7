import type { IncomingMessage, ServerResponse } from "node:http";
import { unparsedBytes } from "@fenceline/wire/sliced-reading";
import { type AttemptContext, Attempts } from "../calls/attempts.ts";
import { Call, type RequestExchange } from "../calls/call.ts";
import { classifyFailure, classifyNoConnection } from "../calls/failure.ts";
import type { Lifecycle } from "../calls/lifecycle.ts";
import type { ForwardedRequest } from "../calls/request.ts";
import { fieldMemory, headerMemory } from "../load/header-memory.ts";
import { clientAddress } from "../net/client-socket.ts";
import { unreadBytes } from "../net/joined-reading.ts";
import { onceTaken } from "../net/pieces.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import type { AnswerHead } from "./answer-head.ts";
import { AnswerWriter } from "./answer-writer.ts";
import type { ConnectionUser, Http1Connection, Waiter } from "./connection.ts";
import type { PendingRequest } from "./half-closed.ts";
import { relayInterim } from "./interim-answers.ts";
import { pipelinedBytes } from "./pipelined.ts";
import type { Http1Pools } from "./pools.ts";
import { answerRefusal } from "./refuse.ts";
import { requestHead } from "./request.ts";
import { Upload } from "./upload.ts";

/** What all exchanges share. */
export interface Http1Context extends AttemptContext {
  readonly pools: Http1Pools;
  readonly lifecycle: Lifecycle;
}

/**
 * Step 5, connect and forward: one HTTP/1.1 request, its attempts, and its answer on the way
 * back.
 */
export class Http1Exchange implements RequestExchange, Waiter, ConnectionUser, PendingRequest {
  readonly call: Call;

  readonly #context: Http1Context;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** Whether the client waits for `100 Continue` before it sends its body. */
  #awaitsContinue: boolean;
  #forwarded: ForwardedRequest | undefined;
  #attempts: Attempts<Waiter> | undefined;
  #connection: Http1Connection | undefined;
  #upload: Upload | undefined;
  #writer: AnswerWriter | undefined;
  /** Computed only when it is needed. */
  #headerMemory: number | undefined;
  #repeats = false;
  #closes = false;

  /** @param awaitsContinue whether the client sent `Expect: 100-continue` */
  constructor(context: Http1Context, request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.call = new Call(this, context.observer);
    this.#context = context;
    this.#awaitsContinue = awaitsContinue;
    this.#request = request;
    this.#response = response;
    response.on("close", () => this.#onClientClosed());
  }

  get address(): Address | undefined {
    return this.#attempts?.address;
  }

  get caller(): string {
    return this.call.caller;
  }

  get client(): string | undefined {
    return clientAddress(this.#request.socket);
  }

  get heldBytes(): number {
    const { url = "", rawHeaders, rawTrailers, socket } = this.#request;
    this.#headerMemory ??= headerMemory(url, rawHeaders);
    const body = (this.#forwarded?.hasBody === true ? unreadBytes(this.#request) : 0) + this.#unsent;
    return this.#headerMemory + fieldMemory(rawTrailers) + body + pipelinedBytes(socket) + unparsedBytes(socket);
  }

  get takenBytes(): number {
    return (this.#upload?.received ?? 0) + (this.#writer?.received ?? 0) - this.#unsent;
  }

  get waitsInLine(): boolean {
    const { address } = this;
    return this.#connection === undefined && address !== undefined && this.#context.pools.waitsInLine(address, this);
  }

  get done(): boolean {
    return this.call.done;
  }

  get needsFresh(): boolean {
    return this.#repeats;
  }

  forward(request: ForwardedRequest, addresses: readonly Address[]): void {
    if (this.call.done) return;
    this.#forwarded = request;
    this.#attempts = new Attempts<Waiter>(this.#context, this.#context.pools, this.call, this, addresses);
    this.#attempts.begin();
  }

  refuse(refusal: Refusal, keepAlive: boolean): void {
    // If its form is in doubt, so is everything after it on the connection (RFC 9112 §6.3).
    const endIsKnown = refusal.code !== "REQUEST_MALFORMED" && !this.#awaitsContinue;
    answerRefusal(this.#response, refusal, keepAlive && endIsKnown && !this.#closes);
  }

  giveUp(refusal: Refusal): void {
    // When this is done, the connection may already belong to another exchange.
    const isUnderWay = !this.call.done;
    // Requests behind it take memory as well, and end with the connection.
    this.#closes = pipelinedBytes(this.#request.socket) > 0;
    this.#upload?.stop();
    // The client may not read a refusal either.
    if (!this.call.giveUp(refusal)) this.#cutOff();
    if (isUnderWay) this.#leaveDestination();
    this.#request.resume();
  }

  onConnection(connection: Http1Connection): void {
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
    // A client that still waits for 100 may or may not send the body, so what comes next on the
    // connection is unknown (RFC 9110 §10.1.1).
    const closeAfter = this.#context.lifecycle.isDraining || this.#awaitsContinue;
    this.#writer = new AnswerWriter(this.#request, this.#response, head, closeAfter);
  }

  onData(data: Buffer): void {
    if (!this.call.done) this.#writer?.write(data);
  }

  onFlush(): void {
    const writer = this.#writer;
    if (this.call.done || writer === undefined) return;
    if (!writer.begun) this.call.answer(writer.status);
    this.#paced(writer.flush());
  }

  onEnd(trailers: [string, string][]): void {
    if (this.call.done) return;
    this.call.complete();
    this.#upload?.stop();
    const writer = this.#writer;
    if (writer === undefined) return;
    if (!writer.begun) this.call.answer(writer.status);
    writer.end(trailers);
  }

  onDrain(): void {
    this.#upload?.resume();
  }

  onRefused(): void {
    this.#upload?.stop();
  }

  onError(error: Error): void {
    if (this.call.done) return;
    this.#upload?.stop();
    if (this.call.answered) {
      this.call.breakOff(error);
      this.#writer?.breakOff();
      return;
    }
    const failure = classifyFailure(error);
    if (failure.broken && this.#mayRepeat()) {
      this.#repeats = true;
      this.#connection = undefined;
      this.#attempts?.begin();
    } else this.call.fail(failure.refusal, error);
  }

  #cutOff(): void {
    if (this.#writer === undefined) this.#response.destroy();
    else this.#writer.breakOff();
  }

  /** The client's connection has closed, after this answer or in the middle of it. */
  #onClientClosed(): void {
    if (this.call.leave()) this.#leaveDestination();
    this.call.close();
  }

  #leaveDestination(): void {
    if (this.#connection !== undefined) this.#connection.destroy();
    else this.#attempts?.leave();
  }

  /** Bytes that were read from one side, and not yet read by the other. */
  get #unsent(): number {
    const connection = this.call.done ? undefined : this.#connection;
    const upload = this.#upload === undefined ? 0 : (connection?.waiting ?? 0);
    return upload + (connection?.unread ?? 0) + this.#response.writableLength;
  }

  /**
   * Back-pressure: a client that reads slowly stops the reading from the destination, and so the
   * destination. It does not use the response's `drain`, which node:http no longer emits once a
   * CONNECT follows the request.
   */
  #paced(mayWrite: boolean | undefined): void {
    const connection = this.#connection;
    if (mayWrite !== false || connection === undefined || connection.paused) return;
    connection.pause();
    onceTaken(this.#response.socket, () => connection.resume());
  }

  #mayRepeat(): boolean {
    const connection = this.#connection;
    if (connection === undefined || !connection.isKeptAlive || connection.answerBegun) return false;
    const { method = "", hasBody = true } = this.#forwarded ?? {};
    return this.#attempts?.mayRepeat(method, hasBody) === true;
  }
}
