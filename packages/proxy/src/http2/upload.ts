import type { ClientHttp2Stream, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { NEVER_A_TRAILER } from "../destination/request-head.ts";
import { fieldMemory } from "../load/header-memory.ts";
import { MOST_PIECES, Pieces } from "../net/pieces.ts";
import { allowedFields } from "./fields.ts";
import { sendTrailers } from "./respond.ts";

/**
 * Of a body, at most this many bytes are kept until the destination answers, in case that it says
 * it never looked at them.
 */
const MAX_KEPT = 64 * 1024;
/**
 * The same of all bodies of a worker. Beyond it an upload is sent as any other, and only not a
 * second time.
 */
export const MAX_KEPT_IN_ALL = 16 * 1024 * 1024;

const NO_TRAILERS: readonly string[] = [];

/** What all uploads of a worker keep for a repeat. */
export interface KeptBytes {
  bytes: number;
}

/**
 * The body and the trailers of a request on their way to the destination, as they come and as fast
 * as both sides take them.
 */
export class Upload {
  readonly #from: ServerHttp2Stream;
  readonly #inAll: KeptBytes;
  #to: ClientHttp2Stream | undefined;
  /** What was sent so far; undefined once it is too much, or not needed any more. */
  #kept: Pieces | undefined = new Pieces();
  /** Pieces that were written and that the destination has not taken. */
  #pieces = 0;
  #onTaken: () => void = () => {};
  #holding = false;
  #received = 0;
  #trailers: OutgoingHttpHeaders | undefined;
  #rawTrailers: readonly string[] = NO_TRAILERS;
  #ended = false;
  #stopped = false;
  /** Whether the client had sent all of it when its answer ended. */
  #wasWhole = false;

  /** To be made as soon as the request has come: trailers may be there before it is resolved. */
  constructor(from: ServerHttp2Stream, inAll: KeptBytes) {
    this.#from = from;
    this.#inAll = inAll;
    // Node says it when they come, not after the body was read, and that waits for a connection.
    from.on("trailers", (trailers, _flags, rawTrailers) => {
      this.#trailers = allowedFields(trailers, rawTrailers, NEVER_A_TRAILER);
      this.#rawTrailers = rawTrailers;
    });
    // It says "end" of an empty body as soon as that has come, whether anybody reads or not.
    from.on("end", this.#onEnd);
    if (from.readableEnded) this.#onEnd();
  }

  /** Whether the body can be sent once more from its beginning. */
  get repeatable(): boolean {
    return this.#kept !== undefined;
  }

  /** Whether it goes on without its client: that has sent all, got all, and all of it was read. */
  get outlivesClient(): boolean {
    return this.#wasWhole && this.#ended;
  }

  /** Bytes that the trailers take: Node keeps them until the stream is closed. */
  get trailerBytes(): number {
    return fieldMemory(this.#rawTrailers);
  }

  /** Bytes that the destination took of the body, or that are on their way to it in the kernel. */
  get taken(): number {
    return this.#received - this.waiting;
  }

  /** Bytes that were read from the client and that the destination has not taken. */
  get waiting(): number {
    return this.#to === undefined || this.#to.destroyed ? 0 : this.#to.writableLength;
  }

  /** Sends the body by this stream; again from its beginning when it is not the first one. */
  sendBy(to: ClientHttp2Stream): void {
    const first = this.#to === undefined;
    this.#to = to;
    this.#pieces = 0;
    this.#holding = false;
    this.#onTaken = () => this.#taken(to);
    for (const piece of this.#kept?.list() ?? []) this.#write(to, piece);
    if (this.#ended) this.#end();
    else if (!first && this.#pieces < MOST_PIECES) this.#from.resume();
    if (first) this.#from.on("data", this.#onData);
  }

  /** The destination answers: the body will not be sent again. */
  forget(): void {
    if (this.#kept === undefined) return;
    this.#inAll.bytes -= this.#kept.bytes;
    this.#kept = undefined;
  }

  /**
   * The body will be sent again by another stream: what comes until then waits, or it would be
   * neither kept nor sent.
   */
  hold(): void {
    this.#holding = true;
    this.#from.pause();
  }

  /**
   * The answer has ended. What is left of an upload that the client has sent whole, a window at
   * most, is read however slowly the destination takes it: the client may leave now.
   */
  answered(): void {
    this.#wasWhole = this.#ended || this.#from.state.remoteClose === 1;
    if (this.#wasWhole && !this.#ended) this.#from.resume();
  }

  /** What follows is read and thrown away. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.forget();
    this.#from.off("data", this.#onData).off("end", this.#onEnd).resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    if (this.#kept !== undefined) this.#keep(this.#kept, chunk);
    const to = this.#to;
    if (to === undefined || to.closed || to.destroyed) return;
    this.#write(to, chunk);
  };

  /** Back-pressure by pieces, too: of one byte each, they cost more than their bytes tell. */
  #write(to: ClientHttp2Stream, piece: Buffer): void {
    this.#pieces += 1;
    const mayWrite = to.write(piece, this.#onTaken);
    if ((!mayWrite || this.#pieces >= MOST_PIECES) && !this.#wasWhole) this.#from.pause();
  }

  /** A piece was, or the stream is over. */
  #taken(by: ClientHttp2Stream): void {
    if (by !== this.#to) return;
    this.#pieces -= 1;
    if (this.#pieces === 0 && !this.#holding && this.#from.isPaused()) this.#from.resume();
  }

  /** Node says "end" also of a body that was broken off. */
  readonly #onEnd = (): void => {
    if (this.#from.aborted || this.#from.rstCode !== 0) return;
    this.#ended = true;
    this.#end();
  };

  #keep(kept: Pieces, chunk: Buffer): void {
    const { length } = chunk;
    if (kept.bytes + length > MAX_KEPT || this.#inAll.bytes + length > MAX_KEPT_IN_ALL) {
      this.forget();
      return;
    }
    this.#inAll.bytes += length;
    kept.add(chunk);
  }

  #end(): void {
    const to = this.#to;
    if (to === undefined || to.closed || to.destroyed) return;
    const trailers = this.#trailers;
    if (trailers !== undefined) to.once("wantTrailers", () => sendTrailers(to, trailers));
    to.end();
  }
}
