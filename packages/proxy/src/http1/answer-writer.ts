import type { IncomingMessage, ServerResponse } from "node:http";
import { MOST_PIECES } from "../net/pieces.ts";
import type { AnswerHead } from "./answer-head.ts";
import { copyOf } from "./recycled-buffers.ts";

/**
 * Bodies up to this many bytes are joined with their header into one string, which needs one write.
 */
const MAX_JOINED_BODY = 4_096;
/** A reason phrase that node:http would refuse is left out: it has no meaning (RFC 9112 §4). */
const REASON_PHRASE = /^[\t\x20-\x7e]*$/;

/**
 * Writes the destination's answer to the client as it arrives. Its buffers are used again after the
 * read that filled them.
 *
 * Nothing is written before a read from the destination has ended. After the first read small
 * answers are complete and need one write, and a malformed one can still be refused as a whole.
 * Later, any number of chunks become one write: each write that waits for the client costs some
 * hundred bytes, and a destination may send chunks of one byte (T-10).
 */
export class AnswerWriter {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: AnswerHead;
  readonly #closeAfter: boolean;
  #begun = false;
  #received = 0;
  /** The body's bytes of this read. */
  #first: Buffer | undefined;
  /** Number of pieces since the client had read everything. */
  #pieces = 0;
  /** Further pieces of it, if the coding of the answer splits it. */
  #more: Buffer[] | undefined;

  /** @param closeAfter whether the client is asked to close its connection */
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

  /** Whether anything was written, so that no other answer is possible any more. */
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
   * Writes the bytes of this read.
   *
   * @returns whether more may be written at once, without waiting for the client
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
    // A large body, or one of several pieces, is copied once as it is.
    const joined = last !== undefined && this.#more === undefined && last.length <= MAX_JOINED_BODY;
    if (last !== undefined && !joined) this.#sendHeld(last);
    if (trailers.length > 0) this.#response.addTrailers(trailers);
    if (joined) this.#response.end(last.toString("latin1"), "latin1");
    else this.#response.end();
  }

  /**
   * Ends an incomplete answer, so that it cannot be taken for complete. What came before is
   * delivered, as to a direct client of the destination.
   */
  breakOff(): void {
    const response = this.#response;
    if (response.headersSent) this.flush();
    // For an HTTP/1.0 client only the end of the connection shows the end of such an answer.
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
    // No Date is added if the destination sent none: caches would use it.
    this.#response.sendDate = false;
    this.#response.writeHead(status, REASON_PHRASE.test(reason) ? reason : "", fields);
  }

  #sendHeld(first: Buffer): boolean {
    const more = this.#more;
    this.#first = undefined;
    this.#more = undefined;
    const response = this.#response;
    if (response.destroyed) return true;
    // Pieces count, too: a destination may send segments of one byte, each of which costs a
    // thousand times that (T-10).
    this.#pieces = response.writableLength === 0 ? 0 : this.#pieces + 1;
    const { bytes, release } = copyOf(first, more);
    return response.write(bytes, release) && this.#pieces < MOST_PIECES;
  }
}
