import { constants, type Http2Session, type Http2Stream } from "node:http2";
import { resetStream } from "./reset-stream.ts";

const { NGHTTP2_CANCEL } = constants;

/** What waited, or was sent, when it was last seen to change. */
interface Seen {
  bytes: number;
  /** In milliseconds of a monotonic clock. */
  since: number;
  isReset: boolean;
}

/**
 * Streams whose answer waits for the client to take it, or whose upload, behind its answer, for the
 * destination. Those that take nothing for too long are reset: each holds memory and a stream of
 * its destination.
 *
 * On a connection that takes nothing at all no reset is sent, and until it is, Node keeps the
 * stream.
 */
export class StalledStreams {
  readonly #streams = new Map<Http2Stream, Seen>();
  readonly #timeout: number;
  readonly #onDeaf: ((session: Http2Session) => void) | undefined;
  readonly #check: NodeJS.Timeout;

  /**
   * @param timeout milliseconds that the other end may take nothing
   * @param onDeaf called when for as long again nothing at all was sent on the connection
   */
  constructor(timeout: number, onDeaf?: (session: Http2Session) => void) {
    this.#timeout = timeout;
    this.#onDeaf = onDeaf;
    this.#check = setInterval(() => this.#cutStalled(), Math.max(10, timeout / 10)).unref();
  }

  /** The stream has bytes that the other end does not take now. */
  watch(stream: Http2Stream): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, { bytes: stream.bufferSize, since: performance.now(), isReset: false });
  }

  /** The stream is closed, or the other end took all. */
  forget(stream: Http2Stream): void {
    if (this.#streams.size > 0) this.#streams.delete(stream);
  }

  stop(): void {
    clearInterval(this.#check);
  }

  #cutStalled(): void {
    const now = performance.now();
    for (const [stream, seen] of this.#streams) {
      const bytes = seen.isReset ? sentOn(stream) : stream.bufferSize;
      if (bytes !== seen.bytes) {
        seen.bytes = bytes;
        seen.since = now;
      } else if (now - seen.since >= this.#timeout) this.#cut(stream, seen, now);
    }
  }

  #cut(stream: Http2Stream, seen: Seen, now: number): void {
    if (seen.isReset || this.#onDeaf === undefined) this.#streams.delete(stream);
    if (!seen.isReset) resetStream(stream, NGHTTP2_CANCEL);
    else if (stream.session?.destroyed === false) this.#onDeaf?.(stream.session);
    Object.assign(seen, { bytes: sentOn(stream), since: now, isReset: true });
  }
}

/** Bytes on the stream's connection. */
function sentOn({ session }: Http2Stream): number {
  return session?.destroyed === false ? session.socket.bytesWritten : 0;
}
