import type { IncomingMessage, ServerResponse } from "node:http";
import { MOST_PIECES } from "../net/pieces.ts";
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
 * again after the read that brought them.
 *
 * Nothing is written before a read from the destination is over. After the first one small answers
 * are complete and take one write, and one that turns out to be malformed can still be refused as a
 * whole. Later on it makes one write of any number of chunks: each write that a client does not
 * take costs some hundred bytes, and a destination may write chunks of one (T-10).
 */
export class AnswerWriter {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: AnswerHead;
  readonly #closeAfter: boolean;
  #begun = false;
  #received = 0;
  /** What came of the body in this read. */
  #first: Buffer | undefined;
  /** Pieces that were written since the client had taken all. */
  #pieces = 0;
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

  /** Takes a piece of the body, which {@link flush} or {@link end} writes. */
  write(data: Buffer): void {
    this.#received += data.length;
    if (this.#first === undefined) this.#first = data;
    else {
      this.#more ??= [];
      this.#more.push(data);
    }
  }

  /**
   * Writes what came in this read.
   *
   * @returns whether more may be written at once, and not only when the client has taken what was
   */
  flush(): boolean {
    const first = this.#first;
    if (!this.#begun) {
      this.#writeHead();
      // Not `flushHeaders`, which writes the header as UTF-8: a byte beyond ASCII would become two.
      if (first === undefined) this.#response.write("", "latin1");
    }
    return first === undefined || this.#sendHeld(first);
  }

  /** @param trailers name and value pairs */
  end(trailers: [string, string][]): void {
    if (!this.#begun) this.#writeHead();
    const last = this.#first;
    // A large one, or one of several pieces, is copied once as it is.
    const joined = last !== undefined && this.#more === undefined && last.length <= MAX_JOINED_BODY;
    if (last !== undefined && !joined) this.#sendHeld(last);
    if (trailers.length > 0) this.#response.addTrailers(trailers);
    if (joined) this.#response.end(last.toString("latin1"), "latin1");
    else this.#response.end();
  }

  /**
   * Ends an answer that broke off, so that it cannot be taken for complete. What came before that
   * is delivered, as it is to a client of the destination itself.
   */
  breakOff(): void {
    const response = this.#response;
    if (response.headersSent) this.flush();
    // The end of the connection is all that tells an HTTP/1.0 client the end of such an answer.
    if (this.#request.httpVersionMinor === 0 && this.#head.contentLength === undefined) response.socket?.resetAndDestroy();
    else response.destroy();
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
    const response = this.#response;
    if (response.destroyed) return true;
    // By pieces, too: a destination may send segments of one byte, and each of them costs a
    // thousand times that (T-10).
    this.#pieces = response.writableLength === 0 ? 0 : this.#pieces + 1;
    const { bytes, release } = copyOf(first, more);
    return response.write(bytes, release) && this.#pieces < MOST_PIECES;
  }
}
