import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { ControlFrames } from "@fenceline/wire/control-frames";
import type { Ending, ListenerObserver } from "../calls/listener-observer.ts";
import { clientAddress, linger, lingerWhenDestroyed } from "../net/client-socket.ts";
import { FrameBudget } from "./frame-budget.ts";
import { leaveStreamsAlive } from "./goaway.ts";
import { MAX_HEADER_LIST_SIZE } from "./options.ts";
import { ReadingTurns } from "./reading-turns.ts";
import { outliveStreamErrors } from "./stream-errors.ts";
import { type AskedConnection, UnfinishedHeader } from "./unfinished-header.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

/** Whose request it is. */
export interface Http2Client {
  /** Address and port that the connection came from. */
  readonly address: string | undefined;
  /**
   * A request has come.
   *
   * @param headerBytes its header, unpacked
   * @param hasBody whether a body follows
   */
  requested(headerBytes: number, hasBody: boolean): void;
  /** The trailers of a request have come. @param bytes of them, unpacked */
  trailed(bytes: number): void;
  /** So much of a request's body has come in one frame. */
  uploaded(bytes: number): void;
  /** So much of an answer's body is sent in one piece. */
  sent(bytes: number): void;
  /**
   * The client did not wait for its answer.
   *
   * @param since when the request came, in milliseconds of a monotonic clock
   * @param answered whether it had begun
   */
  left(since: number, answered: boolean): void;
  /** An answer of the destination came to its end. */
  finished(): void;
}

export interface ClientLimits {
  /** Milliseconds for the client's SETTINGS to arrive. */
  readonly headersTimeout: number;
  /** Milliseconds that a connection without streams is kept. */
  readonly keepAliveTimeout: number;
  readonly resetBurst: number;
  readonly resetRate: number;
  readonly maxControlFrames: number;
}

/**
 * A stream that lived less than this many milliseconds and was reset is counted: a caller that
 * times out waits longer.
 */
const SHORT_LIFE = 1_000;
/**
 * Bytes of headers over the limit, unpacked, that one client may send. nghttp2 refuses them by
 * itself once the client has acknowledged our SETTINGS, so they come from those that did not know
 * them yet, or that never acknowledge: each byte of theirs may stand for 4 KiB that somebody has to
 * unpack.
 */
const MAX_OVERSIZE = 1024 * 1024;
/** Highest stream identifier (RFC 9113 §5.1.1). */
const LAST_STREAM = 2 ** 31 - 1;
/** A request is two frames at least: HEADERS of its own, and those of its answer. */
const FRAMES_PER_REQUEST = 2;
/**
 * Bytes of an answer that are one more frame: Node does not tell how it cuts a piece, and a client
 * with a small window gets smaller frames.
 */
const SMALL_FRAME = 1_024;

/**
 * What one client's connection may do. nghttp2 guards the frames themselves; what is counted here
 * is only a flood in the long run.
 */
export class ClientSession implements Http2Client {
  readonly address: string | undefined;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #limits: ClientLimits;
  readonly #observer: ListenerObserver;
  #streams = 0;
  #oversize = 0;
  #lingers = false;
  /** Resets that the client may still do at once, and when it was last given some back. */
  #resetsLeft: number;
  #refilledAt = performance.now();
  readonly #controlFrames: ControlFrames;
  readonly #frames = new FrameBudget();
  readonly #reading: ReadingTurns;
  /** What may have come of a header that is not whole. */
  readonly unfinished: UnfinishedHeader;
  #draining = false;
  /** The client has said GOAWAY. */
  #leaves = false;

  constructor(session: ServerHttp2Session, socket: Socket, limits: ClientLimits, observer: ListenerObserver) {
    // Now: a closed socket does not say.
    this.address = clientAddress(socket);
    this.#session = session;
    this.#socket = socket;
    this.#reading = new ReadingTurns(socket);
    this.#limits = limits;
    this.#observer = observer;
    this.#resetsLeft = limits.resetBurst;
    this.#controlFrames = new ControlFrames(limits.maxControlFrames, limits.maxControlFrames, performance.now());
    this.unfinished = new UnfinishedHeader(this.#asked(), limits.headersTimeout);
    leaveStreamsAlive(session, () => this.#streams > 0);
    outliveStreamErrors(session);
    const late = setTimeout(() => {
      this.#ended("NO_SETTINGS", "SETTINGS did not come in time");
      session.destroy();
    }, limits.headersTimeout);
    session
      // It ends the session, and each of its streams. What the network broke, the streams tell.
      .on("error", (error) => {
        if (isHttp2Error(error)) this.#ended("PROTOCOL_ERROR", error.message);
      })
      .on("remoteSettings", () => {
        clearTimeout(late);
        this.#controlFrame();
      })
      .on("ping", () => this.#controlFrame())
      .on("goaway", () => {
        this.#leaves = true;
      })
      .on("close", () => clearTimeout(late))
      .setTimeout(limits.keepAliveTimeout, () => {
        if (this.#streams === 0) session.close();
      });
  }

  /** A stream was opened. @returns false when its client has reset it by now */
  opened(stream: ServerHttp2Stream): boolean {
    this.#streams += 1;
    this.#reading.request();
    stream.on("close", () => {
      this.#streams -= 1;
      // nghttp2 reads no more once there was a GOAWAY and no stream is left, so the PING of the
      // drain would stay without its answer.
      if ((this.#draining || this.#leaves) && this.#streams === 0) this.#session.close();
    });
    if (!stream.aborted && !stream.destroyed) return true;
    this.#countReset();
    return false;
  }

  requested(headerBytes: number, hasBody: boolean): void {
    this.#frames.request(headerBytes, hasBody);
    this.#controlFrames.earn(FRAMES_PER_REQUEST);
    if (headerBytes <= MAX_HEADER_LIST_SIZE) return;
    this.#oversize += headerBytes;
    if (this.#oversize > MAX_OVERSIZE) this.#calmDown("headers over the limit");
  }

  trailed(bytes: number): void {
    this.requested(bytes, false);
  }

  uploaded(bytes: number): void {
    this.#frames.data(bytes);
    this.#reading.data();
    this.#controlFrames.earn(1);
  }

  sent(bytes: number): void {
    this.#controlFrames.earn(1 + Math.trunc(bytes / SMALL_FRAME));
  }

  /** Also when the client broke a rule, so that nghttp2 reset its stream. */
  left(openedAt: number, answered: boolean): void {
    // Who got an answer and has read enough of it is no flood: that request was one like any other.
    if (!answered && performance.now() - openedAt < SHORT_LIFE) this.#countReset();
  }

  /**
   * An answer is complete. For each of them one reset is forgiven: a flood is resets alone, and
   * callers that hedge finish as many as they cancel.
   */
  finished(): void {
    if (this.#resetsLeft < this.#limits.resetBurst) this.#resetsLeft += 1;
  }

  /**
   * Cuts a client that sends frames for nothing, or does not close a connection that is over.
   * Called now and then.
   */
  sweep(): void {
    const session = this.#session;
    if (session.destroyed) {
      // After a graceful end Node has closed our side only, and waits for the client.
      if (!this.#lingers) linger(this.#socket);
      this.#lingers = true;
      return;
    }
    if (this.#frames.exceeded(session.socket.bytesRead, session.socket.bytesWritten)) this.#calmDown("frames for nothing");
    else this.unfinished.sweep(performance.now());
  }

  /**
   * Announces the end, so that streams on their way here are still taken, and after a round trip
   * sends it (RFC 9113 §6.8). The session is closed behind its last stream: before, Node would send
   * no PING any more, by which an error of one stream is told from one of the connection.
   */
  drain(): void {
    const session = this.#session;
    if (this.#draining || session.destroyed) return;
    this.#draining = true;
    if (this.#streams === 0) {
      session.close();
      return;
    }
    session.goaway(NGHTTP2_NO_ERROR, LAST_STREAM);
    session.ping((failed) => failed === null && session.goaway());
  }

  /** The client takes nothing of what is sent, so that not even a reset reaches it. */
  cutDeaf(): void {
    this.#cut("STALLED", "nothing that is sent is taken");
  }

  /** Closes the connection now. */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  #controlFrame(): void {
    if (!this.#controlFrames.take(performance.now())) this.#calmDown("PING or SETTINGS");
  }

  #countReset(): void {
    const now = performance.now();
    const { resetBurst, resetRate } = this.#limits;
    this.#resetsLeft = Math.min(resetBurst, this.#resetsLeft + ((now - this.#refilledAt) / 1_000) * resetRate) - 1;
    this.#refilledAt = now;
    if (this.#resetsLeft < 0) this.#calmDown("resets of streams");
  }

  #asked(): AskedConnection {
    const session = this.#session;
    const end = () => this.#cut("UNFINISHED", "a header did not come to its end");
    return {
      bytesRead: () => (session.destroyed ? 0 : session.socket.bytesRead),
      hasStreams: () => this.#streams > 0,
      ping: (answered) => session.ping((failed) => failed === null && answered()),
      end,
    };
  }

  /** @param cause what there is too much of */
  #calmDown(cause: string): void {
    this.#cut("FLOOD", `too many ${cause}`);
  }

  #cut(why: Ending, cause: string): void {
    if (this.#session.destroyed) return;
    this.#ended(why, cause);
    lingerWhenDestroyed(this.#socket);
    this.#session.destroy(new Error(`the client's connection is ended: ${cause}`), NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #ended(why: Ending, cause: string): void {
    this.#observer.ended(why, { client: this.address, cause });
  }
}

/** Whether nghttp2 found a fault in what came, or a flood; its own words say which. */
function isHttp2Error(error: Error): boolean {
  return "code" in error && error.code === "ERR_HTTP2_ERROR";
}
