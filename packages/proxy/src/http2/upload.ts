import type { ClientHttp2Stream, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { NEVER_A_TRAILER } from "../destination/request-head.ts";
import type { Http2Client } from "./client-session.ts";
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
  readonly #client: Http2Client;
  readonly #inAll: KeptBytes;
  #to: ClientHttp2Stream | undefined;
  /** What was sent so far; undefined once it is too much, or not needed any more. */
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  #received = 0;
  #trailers: IncomingHttpHeaders | undefined;
  #ended = false;
  #stopped = false;

  constructor(from: ServerHttp2Stream, client: Http2Client, inAll: KeptBytes) {
    this.#from = from;
    this.#client = client;
    this.#inAll = inAll;
    // Node says it when they come, not after the body was read, and that waits for a connection.
    from.on("trailers", (trailers) => {
      this.#trailers = trailers;
    });
  }

  /** Whether the body can be sent once more from its beginning. */
  get repeatable(): boolean {
    return this.#kept !== undefined;
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
    to.on("drain", () => this.#from.resume());
    for (const chunk of this.#kept ?? []) to.write(chunk);
    if (this.#ended) this.#end();
    else if (!first) this.#from.resume();
    if (first) this.#from.on("data", this.#onData).on("end", this.#onEnd);
  }

  /** The destination answers: the body will not be sent again. */
  forget(): void {
    if (this.#kept === undefined) return;
    this.#kept = undefined;
    this.#inAll.bytes -= this.#keptBytes;
  }

  /**
   * The body will be sent again by another stream: what comes until then waits, or it would be
   * neither kept nor sent.
   */
  hold(): void {
    this.#from.pause();
  }

  /** What follows is read and thrown away. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.forget();
    this.#from.off("data", this.#onData).off("end", this.#onEnd);
    this.#from.on("data", (chunk: Buffer) => this.#client.uploaded(chunk.length)).resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#client.uploaded(chunk.length);
    this.#received += chunk.length;
    if (this.#kept !== undefined) this.#keep(this.#kept, chunk);
    const to = this.#to;
    if (to === undefined || to.closed || to.destroyed) return;
    if (!to.write(chunk)) this.#from.pause();
  };

  /** Node says "end" also of a body that was broken off. */
  readonly #onEnd = (): void => {
    if (this.#from.aborted || this.#from.rstCode !== 0) return;
    this.#ended = true;
    this.#end();
  };

  #keep(kept: Buffer[], chunk: Buffer): void {
    const { length } = chunk;
    if (this.#keptBytes + length > MAX_KEPT || this.#inAll.bytes + length > MAX_KEPT_IN_ALL) {
      this.forget();
      return;
    }
    this.#keptBytes += length;
    this.#inAll.bytes += length;
    kept.push(chunk);
  }

  #end(): void {
    const to = this.#to;
    if (to === undefined || to.closed || to.destroyed) return;
    const trailers = this.#trailers;
    if (trailers !== undefined) to.once("wantTrailers", () => sendTrailers(to, allowed(trailers)));
    to.end();
  }
}

/**
 * The trailers without those that nobody may send after a body: the hops behind would take them for
 * what was checked here.
 */
function allowed(trailers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(trailers)) if (!NEVER_A_TRAILER.has(name)) kept[name] = value;
  return kept;
}
