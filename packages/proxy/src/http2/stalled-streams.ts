import { constants, type Http2Stream } from "node:http2";
import { resetStream } from "./reset-stream.ts";

const { NGHTTP2_CANCEL } = constants;

/**
 * Streams whose answer waits for the client to take it, or whose upload, behind its answer, for the
 * destination. Those that take nothing for too long are reset: each holds memory and a stream of
 * its destination.
 */
export class StalledStreams {
  /**
   * Bytes that waited when they last became fewer, and since when, in milliseconds of a monotonic
   * clock.
   */
  readonly #streams = new Map<Http2Stream, { bytes: number; since: number }>();
  readonly #timeout: number;
  readonly #check: NodeJS.Timeout;

  /** @param timeout milliseconds that the other end may take nothing */
  constructor(timeout: number) {
    this.#timeout = timeout;
    this.#check = setInterval(() => this.#cutStalled(), Math.max(10, timeout / 10)).unref();
  }

  /** The stream has bytes that the other end does not take now. */
  watch(stream: Http2Stream): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, { bytes: stream.bufferSize, since: performance.now() });
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
      if (stream.bufferSize !== seen.bytes) {
        seen.bytes = stream.bufferSize;
        seen.since = now;
      } else if (now - seen.since >= this.#timeout) {
        this.#streams.delete(stream);
        resetStream(stream, NGHTTP2_CANCEL);
      }
    }
  }
}
