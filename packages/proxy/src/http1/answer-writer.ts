import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnswerHead } from "./answer-head.ts";
import { copyOf } from "./recycled-buffers.ts";

/**
 * Bodies up to this many bytes are joined to their header in one string and so leave in one write.
 */
const MAX_JOINED_BODY = 4_096;
/** A reason phrase that node:http would refuse is left out: it carries no meaning (RFC 9112 §4). */
const REASON_PHRASE = /^[\t\x20-\x7e]*$/;

/**
 * Writes the destination's answer to the client as it comes. Buffers that it is given are used
 * again after the call in which they were read.
 *
 * Nothing is written before the first read from the destination is over: small answers are complete
 * by then and take one write, and one that turns out to be malformed can still be refused as a
 * whole.
 */
export class AnswerWriter {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: AnswerHead;
  readonly #closeAfter: boolean;
  #begun = false;
  #received = 0;
  /** What came of the body in the first read. */
  #first: Buffer | undefined;
  /** More of it, where the coding of the answer cut it into pieces. */
  #more: Buffer[] | undefined;

  /** @param closeAfter whether the client is to be told to close its connection */
  constructor(request: IncomingMessage, response: ServerResponse, head: AnswerHead, closeAfter: boolean) {
    this.#request = request;
    this.#response = response;
    this.#head = head;
    this.#closeAfter = closeAfter;
  }

  /** Status of the answer. */
  get status(): number {
    return this.#head.status;
  }

  /** Whether anything was written, so that no other answer can be given any more. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Bytes of the body so far. */
  get received(): number {
    return this.#received;
  }

  /** @returns whether more may be written at once; if not, the response's `drain` follows */
  write(data: Buffer): boolean {
    this.#received += data.length;
    if (this.#begun) return this.#send(data);
    if (this.#first === undefined) this.#first = data;
    else {
      this.#more ??= [];
      this.#more.push(data);
    }
    return true;
  }

  /** Writes what was held back. @returns as `write` */
  flush(): boolean {
    if (this.#begun) return true;
    this.#writeHead();
    const first = this.#first;
    if (first === undefined) {
      this.#response.flushHeaders();
      return true;
    }
    return this.#sendHeld(first);
  }

  /** @param trailers name and value pairs */
  end(trailers: [string, string][]): void {
    let first: Buffer | undefined;
    if (!this.#begun) {
      this.#writeHead();
      if (this.#more === undefined) first = this.#first;
      else if (this.#first !== undefined) this.#sendHeld(this.#first);
    }
    if (trailers.length > 0) this.#response.addTrailers(trailers);
    if (first === undefined) this.#response.end();
    else if (first.length <= MAX_JOINED_BODY) this.#response.end(first.toString("latin1"), "latin1");
    else this.#response.end(Buffer.from(first));
  }

  #writeHead(): void {
    this.#begun = true;
    const { status, reason, fields, contentLength, trailer } = this.#head;
    const hasBody = this.#request.method !== "HEAD" && status !== 204 && status !== 304;
    const chunked = hasBody && contentLength === undefined && this.#request.httpVersionMinor > 0;
    if (trailer !== undefined && chunked) fields.push("trailer", trailer);
    if (this.#closeAfter) fields.push("connection", "close");
    // A Date that the destination did not send is not ours to make up: caches would reckon with it.
    this.#response.sendDate = false;
    this.#response.writeHead(status, REASON_PHRASE.test(reason) ? reason : "", fields);
  }

  #sendHeld(first: Buffer): boolean {
    const more = this.#more;
    this.#first = undefined;
    this.#more = undefined;
    if (more === undefined) return this.#send(first);
    return this.#send(Buffer.concat([first, ...more]));
  }

  #send(data: Buffer): boolean {
    if (this.#response.destroyed) return true;
    const { bytes, release } = copyOf(data);
    return this.#response.write(bytes, release);
  }
}
