import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { GrpcStatus } from "./grpc-status.ts";
import { PREFIX } from "./message-frames.ts";

/** Header of every answer. */
const RESPONSE: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc", "grpc-accept-encoding": "identity" };

/** The answer to one call: a header, messages, and trailers with the call's status. */
export class Answer {
  readonly #stream: ServerHttp2Stream;
  /** Whether the client has ended its side of the stream. */
  readonly #isHalfClosed: () => boolean;
  #trailers: OutgoingHttpHeaders | undefined;

  constructor(stream: ServerHttp2Stream, isHalfClosed: () => boolean) {
    this.#stream = stream;
    this.#isHalfClosed = isHalfClosed;
  }

  /** Whether a message can still be sent. */
  get isOpen(): boolean {
    return !this.isEnded && !this.#isGone;
  }

  /** Whether the call's status is known: nothing comes after the first {@link end}. */
  get isEnded(): boolean {
    return this.#trailers !== undefined;
  }

  /** Sends a message while it {@link isOpen}. Returns false when the stream's buffer is full. */
  send(message: Buffer): boolean {
    this.#respond();
    const framed = Buffer.allocUnsafe(PREFIX + message.length);
    framed[0] = 0;
    framed.writeUInt32BE(message.length, 1);
    message.copy(framed, PREFIX);
    return this.#stream.write(framed);
  }

  end(status: GrpcStatus): void {
    if (this.isEnded) return;
    this.#trailers = statusFields(status);
    if (this.#isGone) return;
    if (this.#stream.headersSent) this.#stream.end();
    else {
      this.#stream.respond({ ...RESPONSE, ...this.#trailers }, { endStream: true });
      this.#leave();
    }
  }

  /**
   * Whether nothing can be sent any more; a send would throw. When a client disconnects, its stream
   * is closed at once, but destroyed only when everything that the client sent was read. In
   * between, Node reports the end of the stream like that of any other.
   */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #respond(): void {
    if (this.#stream.headersSent) return;
    this.#stream.respond(RESPONSE, { waitForTrailers: true });
    this.#stream.on("wantTrailers", () => {
      if (this.#isGone) return;
      this.#stream.sendTrailers(this.#trailers ?? {});
      this.#leave();
    });
  }

  /**
   * Everything was sent. A client that still sends is told that its stream is not read (RFC 9113
   * §8.1), after the last frame.
   */
  #leave(): void {
    this.#stream.resume();
    if (!this.#isHalfClosed()) setImmediate(() => this.#stream.close(constants.NGHTTP2_NO_ERROR));
  }
}

/** The header of an answer without messages: all of it, in one frame. */
export function statusOnly(status: GrpcStatus): OutgoingHttpHeaders {
  return { ...RESPONSE, ...statusFields(status) };
}

/** The fields with a call's status. */
function statusFields({ code, details }: GrpcStatus): OutgoingHttpHeaders {
  return { "grpc-status": String(code), ...(details !== "" && { "grpc-message": encodeURI(details) }) };
}
