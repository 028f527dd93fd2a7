import type { IncomingMessage } from "node:http";
import { NEVER_A_TRAILER } from "../destination/request-head.ts";
import { forgetUnread, watchUnread } from "../net/left-peers.ts";
import { Pieces } from "../net/pieces.ts";
import type { Http1Connection } from "./connection.ts";

/** The body of an HTTP/1.1 request on its way to the destination, with its trailers. */
export class Upload {
  /** Bytes of the body that were read from the client. */
  received = 0;

  readonly #request: IncomingMessage;
  readonly #connection: Http1Connection;
  readonly #chunked: boolean;
  /** Bytes of the body in this turn of the event loop, that is, of one read. */
  #gathered = new Pieces();
  /**
   * Whether nothing more of the body is sent, and the connection may belong to another exchange.
   */
  #over = false;

  /** @param chunked whether the body is sent in the chunked coding, as it arrived */
  constructor(request: IncomingMessage, connection: Http1Connection, chunked: boolean) {
    this.#request = request;
    this.#connection = connection;
    this.#chunked = chunked;
  }

  /**
   * Sends what has arrived, together with what the corked connection holds, and then what arrives
   * later.
   */
  start(): void {
    this.#request.on("data", this.#onData).on("end", this.#onEnd);
    // What has arrived of the body is emitted in the next tick; this callback runs after that.
    process.nextTick(() => {
      this.#send();
      this.#connection.uncork();
      this.#pace();
    });
  }

  /** The destination has read everything that was sent. */
  resume(): void {
    forgetUnread(this.#request.socket);
    this.#request.resume();
  }

  /**
   * The destination does not need more of it. The rest is read and discarded, so that the client
   * can read its answer and use its connection again.
   */
  stop(): void {
    this.#request.off("data", this.#onData).off("end", this.#onEnd);
    this.#over = true;
    this.resume();
  }

  readonly #onData = (data: Buffer): void => {
    this.received += data.length;
    // Not written at once: a client may send chunks of one byte, and each write costs a system call
    // (T-10). Nor in the next tick, since node:http has one tick for each chunk.
    if (this.#gathered.bytes === 0) setImmediate(this.#flush);
    this.#gathered.add(data);
  };

  readonly #flush = (): void => {
    this.#send();
    this.#pace();
  };

  readonly #onEnd = (): void => {
    this.#send();
    if (this.#chunked) this.#connection.write(`0\r\n${trailerSection(this.#request.rawTrailers)}\r\n`);
    this.#over = true;
    this.#connection.endRequest();
  };

  /** Back-pressure: nothing is read while the destination does not read what was sent. */
  #pace(): void {
    if (this.#over || this.#connection.waiting === 0 || this.#request.isPaused()) return;
    this.#request.pause();
    watchUnread(this.#request.socket);
    this.#connection.awaitDrain();
  }

  #send(): void {
    if (this.#over || this.#gathered.bytes === 0) return;
    const [first, ...more] = this.#gathered.list();
    this.#gathered = new Pieces();
    if (first === undefined) return;
    const data = more.length === 0 ? first : Buffer.concat([first, ...more]);
    if (!this.#chunked) {
      this.#connection.write(data);
      return;
    }
    this.#connection.cork();
    this.#connection.write(`${data.length.toString(16)}\r\n`);
    this.#connection.write(data);
    this.#connection.write("\r\n");
    this.#connection.uncork();
  }
}

/**
 * RFC 9110 §6.5: trailers are relayed as they are, except for those that frame, route or
 * authenticate (§6.5.1).
 */
function trailerSection(rawTrailers: readonly string[]): string {
  let text = "";
  for (let i = 0; i + 1 < rawTrailers.length; i += 2) {
    const name = rawTrailers[i] ?? "";
    if (!NEVER_A_TRAILER.has(name.toLowerCase())) text += `${name}: ${rawTrailers[i + 1]}\r\n`;
  }
  return text;
}
