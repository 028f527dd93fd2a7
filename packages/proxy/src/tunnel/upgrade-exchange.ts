import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Call, type RequestExchange } from "../calls/call.ts";
import type { DestinationSocket } from "../calls/destination-socket.ts";
import { classifyFailure } from "../calls/failure.ts";
import type { HeldConnection } from "../calls/lifecycle.ts";
import type { ForwardedRequest } from "../calls/request.ts";
import { UpstreamError } from "../calls/upstream-error.ts";
import type { AnswerHead } from "../http1/answer-head.ts";
import { type AnswerHandler, AnswerReader } from "../http1/answer-reader.ts";
import { AnswerWriter } from "../http1/answer-writer.ts";
import { onTunnelClientEnded } from "../http1/half-closed.ts";
import { relayInterim } from "../http1/interim-answers.ts";
import { answerRefusal } from "../http1/refuse.ts";
import { requestHead } from "../http1/request.ts";
import { askedProtocols } from "../http1/wants-upgrade.ts";
import { headerMemory } from "../load/header-memory.ts";
import { clientAddress, linger } from "../net/client-socket.ts";
import { ServerResponse } from "../net/node-http.ts";
import { onceTaken } from "../net/pieces.ts";
import type { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import { Dial, type Dialler } from "./dial.ts";
import { EarlyBytes } from "./early-bytes.ts";
import { sent, splice, unsent } from "./splice.ts";
import type { TunnelContext } from "./tunnel-context.ts";

/**
 * A request for another protocol on its connection (RFC 9110 §7.8), such as WebSocket.
 *
 * Until the destination answers 101, only the request is sent to it. What the client sends after
 * the request is held back, and dropped when the answer is another one. Otherwise a destination
 * without upgrades would read those bytes as a second request, which no step has checked. (nginx
 * holds them, too; Envoy sends them at once.) After another answer the client's connection is
 * closed, since it is unclear what those bytes are.
 */
export class UpgradeExchange implements RequestExchange, Dialler, AnswerHandler, HeldConnection {
  readonly call: Call;
  readonly kind = "upgrade";

  readonly #context: TunnelContext;
  readonly #request: IncomingMessage;
  readonly #client: Socket;
  /** Writes any answer other than 101. */
  readonly #response: InstanceType<typeof ServerResponse>;
  readonly #answer = new AnswerReader();
  readonly #held: EarlyBytes;
  /** Computed only when it is needed. */
  #headerMemory: number | undefined;
  #forwarded: ForwardedRequest | undefined;
  #dial: Dial | undefined;
  #destination: DestinationSocket | undefined;
  #writer: AnswerWriter | undefined;
  #timer: NodeJS.Timeout | undefined;
  #switched = false;
  #closed = false;

  /** @param head bytes that were read after the request */
  constructor(context: TunnelContext, request: IncomingMessage, client: Socket, head: Buffer) {
    this.call = new Call(this, context.observer);
    this.#context = context;
    this.#request = request;
    this.#client = client;
    this.#answer.expect(request.method ?? "GET", this);
    this.#response = new ServerResponse(request);
    this.#response.shouldKeepAlive = false;
    this.#response.assignSocket(client);
    this.#response.on("finish", () => this.#onAnswered());
    // An error is followed by a close, which is handled.
    client.on("error", () => {}).on("close", () => this.#onClientClosed());
    this.#held = new EarlyBytes(client, head, () => onTunnelClientEnded(client, () => this.call.answered));
    context.lifecycle.hold(this);
  }

  get address(): Address | undefined {
    return this.#dial?.address;
  }

  get client(): string | undefined {
    return clientAddress(this.#client);
  }

  forward(request: ForwardedRequest, addresses: readonly Address[]): void {
    if (this.call.done) return;
    request.headers.push("connection", "Upgrade", "upgrade", askedProtocols(this.#request));
    this.#forwarded = request;
    this.#dial = new Dial(this.#context, addresses, this);
    this.#dial.start();
  }

  refuse(refusal: Refusal): void {
    this.#leaveDestination();
    answerRefusal(this.#response, refusal, false);
  }

  get heldBytes(): number {
    const { url = "", rawHeaders } = this.#request;
    this.#headerMemory ??= headerMemory(url, rawHeaders);
    return this.#headerMemory + this.#held.bytes + this.#answer.heldBytes + unsent(this.#client) + unsent(this.#destination);
  }

  get takenBytes(): number {
    return sent(this.#client) + sent(this.#destination);
  }

  giveUp(refusal: Refusal): void {
    this.call.giveUp(refusal);
    this.cut();
  }

  cut(): void {
    this.#client.resetAndDestroy();
  }

  onConnected(destination: DestinationSocket): void {
    const request = this.#forwarded;
    if (request === undefined) return;
    this.#destination = destination;
    destination
      .on("data", this.#onData)
      .on("end", this.#onEnd)
      .on("error", this.#onError)
      .on("close", () => this.#onError(new UpstreamError("CLOSED", "the connection closed")));
    const { headersTimeout } = this.#context;
    if (headersTimeout > 0) {
      const timedOut = () => this.#onError(new UpstreamError("HEADERS_TIMED_OUT", "the answer did not begin in time"));
      this.#timer = setTimeout(timedOut, headersTimeout);
    }
    destination.write(requestHead(request, false), "latin1");
  }

  onInterim(head: AnswerHead): void {
    relayInterim(this.#request, this.#response, head);
  }

  /** Any final answer but 101: the destination does not switch. */
  onAnswer(head: AnswerHead): void {
    clearTimeout(this.#timer);
    this.#writer = new AnswerWriter(this.#request, this.#response, head, true);
  }

  onData(data: Buffer): void {
    this.#writer?.write(data);
  }

  onEnd(trailers: [string, string][]): void {
    this.call.complete();
    this.#leaveDestination();
    this.#begin();
    this.#writer?.end(trailers);
  }

  /** Writes the bytes of this read. */
  #flush(): void {
    this.#begin();
    this.#paced(this.#writer?.flush());
  }

  /** Begins to write an answer other than 101. */
  #begin(): void {
    if (this.#writer?.begun === false) this.call.answer(this.#writer.status);
  }

  readonly #onData = (data: Buffer): void => {
    if (this.call.done) return;
    try {
      this.#answer.read(data);
      if (!this.call.done) this.#flush();
    } catch (error) {
      this.#onError(error instanceof Error ? error : new UpstreamError("INVALID", String(error)));
    }
  };

  readonly #onEnd = (): void => {
    if (this.call.done) return;
    if (this.#destination?.wasReset === true) this.#onError(new UpstreamError("CLOSED", "the destination reset the connection"));
    else if (!this.#answer.end()) this.#onError(new UpstreamError("CLOSED", "the destination closed the connection"));
  };

  readonly #onError = (error: Error): void => {
    if (this.call.done) return;
    if (!this.call.answered) {
      this.call.fail(classifyFailure(error).refusal, error);
      return;
    }
    this.call.breakOff(error);
    this.#leaveDestination();
    this.#writer?.breakOff();
  };

  /** From here on the proxy only copies bytes. */
  onSwitch(head: string, rest: Buffer): void {
    const destination = this.#destination;
    if (destination === undefined) return;
    this.#switched = true;
    this.call.complete();
    clearTimeout(this.#timer);
    this.call.answer(101);
    this.#response.detachSocket(this.#client);
    destination.pause().off("data", this.#onData).off("end", this.#onEnd);
    this.#client.write(head, "latin1");
    if (rest.length > 0) this.#client.write(rest);
    for (const chunk of this.#held.take()) destination.write(chunk);
    splice(this.#client, destination, this.#context.idleTimeout);
  }

  /** Back-pressure for an answer other than 101. */
  #paced(mayWrite: boolean | undefined): void {
    const destination = this.#destination;
    if (mayWrite !== false || destination === undefined || destination.isPaused()) return;
    destination.pause();
    const resume = () => destination.resume();
    if (this.#client.writableNeedDrain) this.#client.once("drain", resume);
    else onceTaken(this.#client, resume);
  }

  /** The last byte of an answer other than 101 was written. */
  #onAnswered(): void {
    this.#close();
    this.#held.take();
    this.#response.detachSocket(this.#client);
    linger(this.#client);
  }

  #onClientClosed(): void {
    this.#context.lifecycle.release(this);
    this.call.leave();
    this.#leaveDestination();
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.call.close();
  }

  #leaveDestination(): void {
    clearTimeout(this.#timer);
    this.#dial?.leave();
    if (!this.#switched) this.#destination?.destroy();
  }
}
