import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnswerHead } from "../upstream/answer-head.ts";
import { copyOf } from "./recycled-buffers.ts";

/** Bodies up to this many bytes are joined to their header in one string and so leave in one write. */
const MAX_JOINED_BODY = 4_096;
/** A reason phrase that node:http would refuse is left out: it carries no meaning (RFC 9112 §4). */
const REASON_PHRASE = /^[\t\x20-\x7e]*$/;

/** Writes the destination's answer to the client as it comes. Buffers that it is given are used again after the call. */
export class AnswerWriter {
  readonly #response: ServerResponse;
  /** While true, header and first piece wait for the end of the current read: small answers are complete by then and take one write. */
  #gathering = false;
  #first: Buffer | undefined;

  /** Writes the header. @param closeAfter whether the client is to be told to close its connection */
  constructor(request: IncomingMessage, response: ServerResponse, head: AnswerHead, closeAfter: boolean) {
    this.#response = response;
    const { status, reason, fields, contentLength, trailer } = head;
    const hasBody = request.method !== "HEAD" && status !== 204 && status !== 304;
    const chunked = hasBody && contentLength === undefined && request.httpVersionMinor > 0;
    if (trailer !== undefined && chunked) fields.push("trailer", trailer);
    if (closeAfter) fields.push("connection", "close");
    // A Date that the destination did not send is not ours to make up: caches would reckon with it.
    response.sendDate = false;
    response.writeHead(status, REASON_PHRASE.test(reason) ? reason : "", fields);
    this.#gathering = hasBody;
  }

  /** @returns whether more may be written at once; if not, the response's `drain` follows */
  write(data: Buffer): boolean {
    if (this.#gathering && this.#first === undefined) {
      this.#first = data;
      return true;
    }
    const flushed = this.flush();
    return this.#send(data) && flushed;
  }

  /** Writes what was held back. @returns as `write` */
  flush(): boolean {
    if (!this.#gathering) return true;
    this.#gathering = false;
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return this.#send(first);
    this.#response.flushHeaders();
    return true;
  }

  /** @param trailers name and value pairs */
  end(trailers: [string, string][]): void {
    if (trailers.length > 0) this.#response.addTrailers(trailers);
    const first = this.#gathering ? this.#first : undefined;
    this.#gathering = false;
    this.#first = undefined;
    if (first === undefined) this.#response.end();
    else if (first.length <= MAX_JOINED_BODY) this.#response.end(first.toString("latin1"), "latin1");
    else this.#response.end(Buffer.from(first));
  }

  #send(data: Buffer): boolean {
    if (this.#response.destroyed) return true;
    const { bytes, release } = copyOf(data);
    return this.#response.write(bytes, release);
  }
}
