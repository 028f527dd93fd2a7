import type { IncomingMessage } from "node:http";
import { NEVER_A_TRAILER } from "../destination/request-head.ts";
import type { Http1Connection } from "./connection.ts";

/** The body of an HTTP/1.1 request on its way to the destination, with its trailers. */
export class Upload {
  /** Bytes of the body that were read from the client. */
  received = 0;

  readonly #request: IncomingMessage;
  readonly #connection: Http1Connection;
  readonly #chunked: boolean;

  /** @param chunked whether the body goes on in the chunked coding, as it came */
  constructor(request: IncomingMessage, connection: Http1Connection, chunked: boolean) {
    this.#request = request;
    this.#connection = connection;
    this.#chunked = chunked;
  }

  /** Sends what has come, together with what the corked connection holds, and then what comes. */
  start(): void {
    this.#request.on("data", this.#onData).on("end", this.#onEnd);
    // What has come of the body is told in the next tick; this callback stands in line behind that.
    process.nextTick(() => this.#connection.uncork());
  }

  /** The connection takes more. */
  resume(): void {
    this.#request.resume();
  }

  /**
   * The destination wants no more of it. The rest runs off, so that the client can read its answer
   * and use its connection again.
   */
  stop(): void {
    this.#request.off("data", this.#onData).off("end", this.#onEnd);
    this.#request.resume();
  }

  readonly #onData = (data: Buffer): void => {
    this.received += data.length;
    if (!this.#write(data)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#chunked) this.#connection.write(`0\r\n${trailerSection(this.#request.rawTrailers)}\r\n`);
    this.#connection.endRequest();
  };

  #write(data: Buffer): boolean {
    if (!this.#chunked) return this.#connection.write(data);
    this.#connection.cork();
    this.#connection.write(`${data.length.toString(16)}\r\n`);
    this.#connection.write(data);
    const more = this.#connection.write("\r\n");
    this.#connection.uncork();
    return more;
  }
}

/** RFC 9110 §6.5: relayed as they are, but for those that frame, route or authenticate (§6.5.1). */
function trailerSection(rawTrailers: readonly string[]): string {
  let text = "";
  for (let i = 0; i + 1 < rawTrailers.length; i += 2) {
    const name = rawTrailers[i] ?? "";
    if (!NEVER_A_TRAILER.has(name.toLowerCase())) text += `${name}: ${rawTrailers[i + 1]}\r\n`;
  }
  return text;
}
