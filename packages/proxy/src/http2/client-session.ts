import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { leaveStreamsAlive } from "./goaway.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

export interface ClientLimits {
  /** Milliseconds for the client's SETTINGS to arrive. */
  readonly headersTimeout: number;
  /** Milliseconds that a connection without streams is kept. */
  readonly keepAliveTimeout: number;
  readonly resetBurst: number;
  readonly resetRate: number;
  readonly maxControlFrames: number;
}

/** A stream that lived less than this many milliseconds and was reset is counted: a caller whose patience ends waits longer. */
const SHORT_LIFE = 1_000;
/** Highest stream identifier (RFC 9113 §5.1.1). */
const LAST_STREAM = 2 ** 31 - 1;

/** What one client's connection may do. nghttp2 guards the frames themselves; what is counted here is only a flood in the long run. */
export class ClientSession {
  readonly #session: ServerHttp2Session;
  readonly #limits: ClientLimits;
  #streams = 0;
  /** Resets that the client may still do at once, and when it was last given some back. */
  #resetsLeft: number;
  #refilledAt = performance.now();
  #controlFrames = 0;
  #controlSecond = 0;
  #draining = false;

  constructor(session: ServerHttp2Session, limits: ClientLimits) {
    this.#session = session;
    this.#limits = limits;
    this.#resetsLeft = limits.resetBurst;
    leaveStreamsAlive(session);
    const late = setTimeout(() => session.destroy(), limits.headersTimeout);
    session
      // Errors of a session end it, and each of its streams; the streams tell.
      .on("error", () => {})
      .on("remoteSettings", () => {
        clearTimeout(late);
        this.#countControlFrame();
      })
      .on("ping", () => this.#countControlFrame())
      .on("close", () => clearTimeout(late))
      .setTimeout(limits.keepAliveTimeout, () => {
        if (this.#streams === 0) session.close();
      });
  }

  /** A stream was opened. @returns false when its client has reset it by now */
  opened(stream: ServerHttp2Stream): boolean {
    this.#streams += 1;
    stream.on("close", () => {
      this.#streams -= 1;
      // nghttp2 reads no more once GOAWAY is sent and no stream is left, so the PING of the drain would stay without its answer.
      if (this.#draining && this.#streams === 0) this.#session.close();
    });
    if (!stream.aborted && !stream.destroyed) return true;
    this.#countReset();
    return false;
  }

  /** A client reset its stream, or broke a rule so that nghttp2 did. @param openedAt milliseconds of a monotonic clock */
  left(openedAt: number): void {
    if (performance.now() - openedAt < SHORT_LIFE) this.#countReset();
  }

  /** Announces the end, so that streams on their way here are still taken, and after a round trip sends it (RFC 9113 §6.8). */
  drain(): void {
    const session = this.#session;
    if (this.#draining || session.destroyed) return;
    this.#draining = true;
    if (this.#streams === 0) {
      session.close();
      return;
    }
    session.goaway(NGHTTP2_NO_ERROR, LAST_STREAM);
    session.ping(() => session.close());
  }

  #countReset(): void {
    const now = performance.now();
    const { resetBurst, resetRate } = this.#limits;
    this.#resetsLeft = Math.min(resetBurst, this.#resetsLeft + ((now - this.#refilledAt) / 1_000) * resetRate) - 1;
    this.#refilledAt = now;
    if (this.#resetsLeft < 0) this.#calmDown();
  }

  #countControlFrame(): void {
    const second = Math.trunc(performance.now() / 1_000);
    if (second !== this.#controlSecond) {
      this.#controlSecond = second;
      this.#controlFrames = 0;
    }
    this.#controlFrames += 1;
    if (this.#controlFrames > this.#limits.maxControlFrames) this.#calmDown();
  }

  #calmDown(): void {
    this.#session.destroy(new Error("the client floods the connection"), NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
