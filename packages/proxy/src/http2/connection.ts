import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  type ClientSessionRequestOptions,
  connect as connectHttp2,
} from "node:http2";
import { connect, type Socket } from "node:net";
import { UpstreamError } from "../calls/upstream-error.ts";
import type { Holdings } from "../load/fair-share.ts";
import { currentTurn } from "../net/current-turn.ts";
import { TCP_OPTIONS } from "../net/tcp-options.ts";
import type { Address } from "../resolve/resolver.ts";
import { BeginningWatch } from "./beginning.ts";
import { leaveStreamsAlive } from "./goaway.ts";
import {
  CONNECTION_WINDOW,
  MAX_HEADER_LIST_SIZE,
  MAX_HEADER_PAIRS,
  MAX_INVALID_FRAMES,
  MAX_SENT_HEADER,
  MAX_SESSION_MEMORY,
} from "./options.ts";
import { PingPacing } from "./ping-pacing.ts";
import { ReadingTurns } from "./reading-turns.ts";
import { outliveStreamErrors } from "./stream-errors.ts";

/** What the pool hears of its sessions. */
export interface SessionOwner {
  /** Open streams, by caller. */
  readonly holdings: Holdings;
  /** The destination speaks HTTP/2, and streams may be opened. */
  onReady(session: Http2Connection): void;
  /**
   * A stream ended, or more are allowed: there may be room, on this session or in its caller's
   * share.
   */
  onRoom(session: Http2Connection): void;
  /**
   * The session is of no use any more.
   *
   * @param error why, when it never carried a stream. Called once.
   */
  onGone(session: Http2Connection, error: Error | undefined): void;
}

export interface SessionOptions {
  /** Milliseconds until the destination has said its SETTINGS. */
  readonly connectTimeout: number;
  readonly idleTimeout: number;
  readonly pingAfter: number;
  readonly pingTimeout: number;
}

/** Streams on one connection, though a destination may allow more. */
export const MAX_STREAMS = 1_000;
/**
 * Streams in the life of one connection: their identifiers are odd and end at 2^31 (RFC 9113
 * §5.1.1).
 */
const MAX_STREAMS_EVER = 2 ** 29;
/** Node takes these, though its types do not say so of clients. */
interface ClientOptions extends ClientSessionOptions {
  readonly maxSessionInvalidFrames: number;
  readonly strictSingleValueFields: boolean;
}

const CLIENT_OPTIONS: ClientOptions = {
  settings: { enablePush: false, maxHeaderListSize: MAX_HEADER_LIST_SIZE },
  maxHeaderListPairs: MAX_HEADER_PAIRS,
  maxSendHeaderBlockLength: MAX_SENT_HEADER,
  maxSessionInvalidFrames: MAX_INVALID_FRAMES,
  maxSessionMemory: MAX_SESSION_MEMORY,
  // Whether a field may stand twice is for the destination to judge.
  strictSingleValueFields: false,
};

/** One HTTP/2 connection to a destination. */
export class Http2Connection {
  /** Streams opened and not yet released. */
  openStreams = 0;
  readonly reading: ReadingTurns;

  readonly #owner: SessionOwner;
  readonly #options: SessionOptions;
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  readonly #timer: NodeJS.Timeout;
  readonly #beginning: BeginningWatch;
  readonly #pacing: PingPacing;
  #ready = false;
  #closing = false;
  #error: Error | undefined;
  #maxStreams = 0;
  #streamsEver = 0;
  /** Highest stream that the destination took, from its GOAWAY on. */
  #lastStream = Number.POSITIVE_INFINITY;
  #idleSince = 0;
  /** Turn of the event loop in which the last stream was closed. */
  #idleTurn = Number.NEGATIVE_INFINITY;
  #lingers = false;

  constructor(address: Address, owner: SessionOwner, options: SessionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#pacing = new PingPacing(options.pingAfter);
    this.#socket = connect({ host: address.address, port: address.port, ...TCP_OPTIONS });
    this.reading = new ReadingTurns(this.#socket);
    this.#session = connectHttp2(address.origin, { ...CLIENT_OPTIONS, createConnection: () => this.#socket });
    this.#session
      .on("connect", () => this.#session.setLocalWindowSize(CONNECTION_WINDOW))
      .on("remoteSettings", ({ maxConcurrentStreams }) => this.#onSettings(maxConcurrentStreams ?? MAX_STREAMS))
      .on("goaway", (_code: number, lastStream: number) => {
        this.#lastStream = lastStream;
        this.#maxStreams = 0;
      })
      .on("error", (error) => {
        this.#error ??= error;
      })
      .on("close", () => this.#onClose());
    leaveStreamsAlive(this.#session, () => this.openStreams > 0);
    outliveStreamErrors(this.#session);
    this.#beginning = new BeginningWatch(address, this.#socket, () => this.destroy(notHttp2()));
    this.#timer = setTimeout(() => this.#timedOut(), options.connectTimeout);
  }

  /**
   * Streams that the destination allows on this connection; 0 when it wants no more of them, or has
   * not said so yet.
   */
  get maxStreams(): number {
    return this.#maxStreams;
  }

  /** Whether another stream may be opened. A session hears of the socket's end turns later. */
  get hasRoom(): boolean {
    const { closed, destroyed } = this.#session;
    return this.#ready && this.openStreams < this.#maxStreams && !closed && !destroyed && this.#socket.readable;
  }

  /** Whether all that had come behind the last answer is read by the check phase of this turn. */
  get wasPolled(): boolean {
    return this.#idleTurn < currentTurn();
  }

  /** Whether the destination has said its SETTINGS. */
  get isReady(): boolean {
    return this.#ready;
  }

  /**
   * Whether the connection broke: a stream that ended with it did so without the destination's
   * will.
   */
  get broken(): boolean {
    return this.#session.destroyed;
  }

  /**
   * Whether other streams came before the current ones, so that the connection was one kept alive.
   */
  get isKeptAlive(): boolean {
    return this.#streamsEver > 1;
  }

  /** Whether the destination has said GOAWAY. */
  get goesAway(): boolean {
    return this.#lastStream !== Number.POSITIVE_INFINITY;
  }

  /** Whether the destination has said that it did not look at this stream (RFC 9113 §6.8). */
  neverTook(stream: ClientHttp2Stream): boolean {
    return stream.id !== undefined && stream.id > this.#lastStream;
  }

  /**
   * Opens a stream, which {@link release} must follow when it is closed. Only while
   * {@link hasRoom}.
   *
   * @param caller whose it is
   * @throws when Node does not take a field
   */
  request(head: readonly string[], options: ClientSessionRequestOptions, caller: string): ClientHttp2Stream {
    const stream = this.#session.request(head, options);
    this.#owner.holdings.take(caller);
    if (this.openStreams === 0) this.#pacing.begin(performance.now());
    this.openStreams += 1;
    this.#streamsEver += 1;
    if (this.#streamsEver >= MAX_STREAMS_EVER) this.close();
    return stream;
  }

  /** HEADERS or DATA of the destination have come. */
  heard(): void {
    this.#pacing.heard();
  }

  /** A stream is closed. @param caller whose it was */
  release(caller: string): void {
    this.#owner.holdings.giveBack(caller);
    this.openStreams -= 1;
    if (this.openStreams === 0) [this.#idleSince, this.#idleTurn] = [performance.now(), currentTurn()];
    this.#owner.onRoom(this);
    if (this.openStreams === 0 && this.#maxStreams === 0) this.close();
  }

  /**
   * Closes what has been idle for too long, and asks a silent destination whether it is still
   * there.
   *
   * @param now milliseconds of a monotonic clock
   */
  sweep(now: number): void {
    if (!this.#ready) return;
    if (this.#session.destroyed) {
      // Node has closed our side only, and the destination has had a second for its own.
      if (this.#lingers) this.#socket.destroy();
      this.#lingers = true;
      return;
    }
    if (this.openStreams === 0) {
      if (now - this.#idleSince >= this.#options.idleTimeout) this.close();
      return;
    }
    if (this.#pacing.isDue(now, this.#socket.bytesRead)) this.#ping();
  }

  /** Lets streams finish, then closes the connection. Not before: see {@link leaveStreamsAlive}. */
  close(): void {
    this.#maxStreams = 0;
    this.#closing = true;
    if (this.openStreams === 0) this.#session.close();
  }

  /** Closes the connection now. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.#session.destroy();
    this.#socket.destroy();
  }

  #ping(): void {
    // Also behind a GOAWAY: the streams that it covers go on, and may lose their destination.
    if (this.#session.destroyed) return;
    const overdue = setTimeout(
      () => this.destroy(new UpstreamError("CLOSED", "the destination does not answer")),
      this.#options.pingTimeout,
    );
    this.#session.ping((error) => {
      clearTimeout(overdue);
      if (error === null) this.#pacing.answered(this.#socket.bytesRead);
    });
  }

  #onSettings(maxConcurrentStreams: number): void {
    // After a GOAWAY or close() there will be no more streams, whatever a late SETTINGS says.
    if (this.#closing || this.goesAway || this.#session.closed) return;
    this.#maxStreams = Math.min(maxConcurrentStreams, MAX_STREAMS);
    if (this.#ready) {
      this.#owner.onRoom(this);
      return;
    }
    this.#stopWaiting();
    this.#ready = true;
    this.#idleSince = performance.now();
    this.#owner.onReady(this);
  }

  /** Whoever has begun to speak was connected, and it was no HTTP/2. */
  #timedOut(): void {
    const silent = () => new UpstreamError("CONNECT_TIMED_OUT", "the destination did not accept an HTTP/2 connection in time");
    this.destroy(this.#socket.bytesRead > 0 ? notHttp2() : silent());
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#beginning.stop();
  }

  #onClose(): void {
    this.#stopWaiting();
    this.#maxStreams = 0;
    // One that took no stream is no better than one that was never there: another one at once would
    // most likely end in the same way, and so on.
    this.#owner.onGone(this, this.#streamsEver > 0 ? undefined : this.#connectError());
  }

  #connectError(): Error {
    if (this.#error instanceof UpstreamError) return this.#error;
    // Something came back, and it was no SETTINGS frame: most likely `HTTP/1.1 400 Bad Request`.
    if (this.#ready) return this.#error ?? new UpstreamError("CLOSED", "the destination closed the connection before it took a request");
    if (this.#socket.bytesRead > 0) return notHttp2();
    return this.#error ?? new UpstreamError("CLOSED", "the destination closed the connection before it said its SETTINGS");
  }
}

function notHttp2(): UpstreamError {
  return new UpstreamError("INVALID", "the destination does not speak HTTP/2");
}
