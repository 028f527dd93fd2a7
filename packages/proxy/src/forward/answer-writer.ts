import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { readResponseHead, readTrailers } from "./response-head.ts";

/** Bodies up to this many bytes are joined to their header in one string and so leave in one write. */
const MAX_JOINED_BODY = 4_096;
/** A reason phrase that node:http would refuse is left out: it carries no meaning (RFC 9112 §4). */
const REASON_PHRASE = /^[\t\x20-\x7e]*$/;

/** Writes the destination's answer to the client as it comes. */
export class AnswerWriter {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** While true, header and first chunk wait for the end of the current turn: small answers are complete by then and take one write. */
  #gathering = false;
  #first: Buffer | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  /** @throws when the header cannot be relayed as it is; nothing has been written then */
  begin(controller: Dispatcher.DispatchController, status: number, reason: string, closeAfter: boolean): void {
    const raw = controller.rawHeaders;
    const head = Array.isArray(raw) ? readResponseHead(raw, status) : undefined;
    if (head === undefined) throw new Error("the answer has a transfer coding besides chunked");
    const response = this.#response;
    const hasBody = this.#request.method !== "HEAD" && status !== 204 && status !== 304;
    const chunked = hasBody && !head.hasContentLength && this.#request.httpVersionMinor > 0;
    if (head.trailer !== undefined && chunked) head.fields.push("trailer", head.trailer);
    if (closeAfter) head.fields.push("connection", "close");
    // A Date that the destination did not send is not ours to make up: caches would reckon with it.
    response.sendDate = false;
    response.writeHead(status, REASON_PHRASE.test(reason) ? reason : "", head.fields);
    if (!hasBody) return;
    this.#gathering = true;
    queueMicrotask(() => this.#endGathering(controller));
  }

  write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#gathering && this.#first === undefined) {
      this.#first = chunk;
      return;
    }
    this.#endGathering(controller);
    this.#send(controller, chunk);
  }

  end(controller: Dispatcher.DispatchController): void {
    const raw = controller.rawTrailers;
    if (Array.isArray(raw) && raw.length > 0) this.#response.addTrailers(readTrailers(raw));
    const first = this.#gathering ? this.#first : undefined;
    this.#gathering = false;
    if (first === undefined) this.#response.end();
    else if (first.length <= MAX_JOINED_BODY) this.#response.end(first.toString("latin1"), "latin1");
    else this.#response.end(first);
  }

  #endGathering(controller: Dispatcher.DispatchController): void {
    if (!this.#gathering || this.#response.destroyed) return;
    this.#gathering = false;
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) this.#response.flushHeaders();
    else this.#send(controller, first);
  }

  /** Back-pressure: a client that reads slowly stops the reading from the destination, and with it the destination. */
  #send(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.destroyed || this.#response.write(chunk) || controller.paused) return;
    controller.pause();
    this.#response.once("drain", () => controller.resume());
  }
}
