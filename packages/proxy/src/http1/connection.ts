import { DestinationSocket } from "../calls/destination-socket.ts";
import type { Listed } from "../calls/unordered-list.ts";
import { UpstreamError } from "../calls/upstream-error.ts";
import type { InLine } from "../calls/waiting-line.ts";
import type { Address } from "../resolve/resolver.ts";
import { type AnswerHandler, AnswerReader } from "./answer-reader.ts";

/**
 * The user of a connection for one exchange. Nothing is called after `onEnd` or `onError`, nor
 * after `destroy`.
 */
export interface ConnectionUser extends AnswerHandler {
  /**
   * Everything that has arrived was passed on. Data that was held back to be joined should be
   * written now.
   */
  onFlush(): void;
  /** See {@link Http1Connection.awaitDrain}. */
  onDrain(): void;
  /** The destination reads no more of the request's body. Its answer may still arrive. */
  onRefused(): void;
  /** The exchange failed. */
  onError(error: Error): void;
}

export interface ConnectionOptions {
  /** Milliseconds for TCP to connect. */
  readonly connectTimeout: number;
  /** Milliseconds until the answer's header must have arrived; 0: no limit. */
  readonly headersTimeout: number;
}

/** Events of a connection, for its pool. */
export interface ConnectionOwner {
  onConnected(connection: Http1Connection): void;
  onConnectFailed(connection: Http1Connection, error: Error): void;
  /** The exchange has ended, and the connection may be used for another one. */
  onIdle(connection: Http1Connection): void;
  /** The connection cannot be used any more. Called once; not after `onConnectFailed`. */
  onGone(connection: Http1Connection): void;
}

/**
 * All connections are read into this one buffer: node:net calls back within the read, and most
 * answers are sent as text before the next read. A new buffer for each read took a tenth of the
 * time of a request.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Chunks in one read after which the next read waits for the next turn of the event loop. Large
 * answers have a chunk for each KiB or more.
 */
const MANY_CHUNKS = 128;

/** Waits for a connection. */
export interface Waiter extends InLine {
  /** Whether it needs a new connection: another kept-alive one may be dead, too. */
  readonly needsFresh: boolean;
  /** Called with a connection for one exchange. */
  onConnection(connection: Http1Connection): void;
  /** There is no connection. */
  onNoConnection(error: Error): void;
}

/** One HTTP/1.1 connection to a destination, for one exchange at a time. */
export class Http1Connection implements Listed {
  /**
   * When the connection became idle, in milliseconds of a monotonic clock. The pool keeps it here.
   */
  idleSince = 0;
  /** Milliseconds that the connection may be idle. The pool keeps it here. */
  idleLimit = 0;
  /** Turn of the event loop in which the connection became idle. The pool keeps it here. */
  idleTurn = 0;
  /** The waiter for which it connects. The pool keeps it here. */
  waiter: Waiter | undefined;
  /**
   * The caller for whose request it is in use, or connects; undefined while it is idle. The pool
   * keeps it here.
   */
  caller: string | undefined;
  position = -1;

  readonly #socket: DestinationSocket;
  readonly #owner: ConnectionOwner;
  readonly #options: ConnectionOptions;
  readonly #reader = new AnswerReader();
  #user: ConnectionUser | undefined;
  #connected = false;
  #gone = false;
  #requestSent = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(address: Address, owner: ConnectionOwner, options: ConnectionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#socket = new DestinationSocket(address, { onread: { buffer: readBuffer, callback: (length) => this.#onRead(length) } });
    this.#socket.onRefused = () => this.#user?.onRefused();
    this.#socket
      .on("connect", () => this.#onConnect())
      .on("end", () => this.#onEnd())
      // Not only when it is closed, which Node reports at the end of the turn: until then the pool
      // would give out a dead connection.
      .on("error", (error) => this.#fail(error))
      .on("close", () => this.#onClose());
    this.#timer = setTimeout(
      () => this.#fail(new UpstreamError("CONNECT_TIMED_OUT", "TCP did not connect in time")),
      options.connectTimeout,
    );
  }

  /**
   * Whether the connection had been idle before its current exchange. Then the destination may have
   * closed it while the request was sent.
   */
  get isKeptAlive(): boolean {
    return this.idleSince > 0;
  }

  /** Whether any byte of the current answer has arrived. */
  get answerBegun(): boolean {
    return this.#reader.begun;
  }

  /** Bytes of the answer that wait for the rest of its header, or of its trailers. */
  get unread(): number {
    return this.#reader.heldBytes;
  }

  /**
   * Milliseconds for which the destination keeps the connection idle, as it said; infinite when it
   * did not say.
   */
  get offeredIdleTime(): number {
    return this.#reader.offeredIdleTime;
  }

  /**
   * Sends the header of a request. The body, if any, follows by {@link write}, then
   * {@link endRequest}.
   *
   * @param head request line and fields with the empty line, latin1
   */
  send(head: string, method: string, user: ConnectionUser): void {
    this.#user = user;
    this.#requestSent = false;
    this.#reader.expect(method, user);
    const { headersTimeout } = this.#options;
    if (headersTimeout > 0) {
      const timedOut = () => this.#fail(new UpstreamError("HEADERS_TIMED_OUT", "the answer did not begin in time"));
      this.#timer = setTimeout(timedOut, headersTimeout);
    }
    this.#socket.write(head, "latin1");
  }

  /** Writes more of the request. It does not limit what waits: see {@link waiting}. */
  write(bytes: Buffer | string): void {
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  /**
   * Calls `onDrain` once the destination has read everything that was written. Unlike Node's event
   * of this name, it does so however little waits: a body may arrive byte by byte.
   */
  awaitDrain(): void {
    this.#socket.write("", () => this.#user?.onDrain());
  }

  /** Bytes that the destination has not read yet. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  /** Everything that is written until {@link uncork} is sent in one segment, if it fits. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** The request is complete. */
  endRequest(): void {
    this.#requestSent = true;
  }

  get paused(): boolean {
    return this.#socket.isPaused();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the exchange and the connection. The user gets no further call. */
  destroy(): void {
    this.#user = undefined;
    this.#reader.forget();
    this.#leave();
    this.#socket.destroy();
  }

  #onConnect(): void {
    clearTimeout(this.#timer);
    this.#connected = true;
    this.#owner.onConnected(this);
  }

  /** @returns whether the next read may follow in this turn of the event loop */
  #onRead(length: number): boolean {
    const before = this.#reader.chunks;
    try {
      this.#read(length);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new UpstreamError("INVALID", String(error)));
    }
    if (this.#reader.chunks - before < MANY_CHUNKS) return true;
    // libuv reads up to 32 times in a row, and a destination may send chunks of one byte (T-09).
    setImmediate(this.#readOn);
    return false;
  }

  readonly #readOn = (): void => {
    if (!this.#socket.isPaused()) this.#socket.resume();
  };

  #read(length: number): void {
    const user = this.#user;
    if (user === undefined) {
      // Bytes without a request: a server that sends 408 before it closes an idle connection, or a
      // faulty one.
      this.destroy();
      return;
    }
    const reusable = this.#reader.read(readBuffer.subarray(0, length));
    if (this.#user === undefined) return;
    if (reusable !== undefined) {
      this.#finish(reusable);
      return;
    }
    if (this.#reader.answered) clearTimeout(this.#timer);
    user.onFlush();
  }

  #finish(reusable: boolean): void {
    this.#user = undefined;
    clearTimeout(this.#timer);
    // The destination answered before the request was complete: the rest of the body must not be
    // taken for the next request.
    if (!reusable || !this.#requestSent) {
      this.destroy();
      return;
    }
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#owner.onIdle(this);
  }

  #onEnd(): void {
    if (this.#socket.wasReset) this.#fail(new UpstreamError("CLOSED", "the destination reset the connection"));
    else if (this.#reader.end()) this.#finish(false);
    else this.#fail(new UpstreamError("CLOSED", "the destination closed the connection"));
  }

  #onClose(): void {
    this.#fail(new UpstreamError("CLOSED", "the connection closed"));
  }

  #fail(error: Error): void {
    const user = this.#user;
    const wasConnected = this.#connected;
    const isNews = !this.#gone;
    this.#gone ||= !wasConnected;
    this.destroy();
    if (!wasConnected && isNews) this.#owner.onConnectFailed(this, error);
    user?.onError(error);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    if (this.#gone) return;
    this.#gone = true;
    this.#owner.onGone(this);
  }
}
