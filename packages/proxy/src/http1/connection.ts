import { DestinationSocket } from "../calls/destination-socket.ts";
import type { Listed } from "../calls/unordered-list.ts";
import { UpstreamError } from "../calls/upstream-error.ts";
import type { InLine } from "../calls/waiting-line.ts";
import type { Address } from "../resolve/resolver.ts";
import { type AnswerHandler, AnswerReader } from "./answer-reader.ts";

/**
 * Whoever has a connection for one exchange. Nothing is called any more after `onEnd` or `onError`,
 * nor after `destroy`.
 */
export interface ConnectionUser extends AnswerHandler {
  /** All that came so far has been told; what was held back to be joined should be written now. */
  onFlush(): void;
  /** See {@link Http1Connection.awaitDrain}. */
  onDrain(): void;
  /** The destination takes no more of the request's body. Its answer may still be under way. */
  onRefused(): void;
  /** The exchange failed. */
  onError(error: Error): void;
}

export interface ConnectionOptions {
  /** Milliseconds for TCP to connect. */
  readonly connectTimeout: number;
  /** Milliseconds until the answer's header must be there; 0 for never. */
  readonly headersTimeout: number;
}

/** What the pool hears of its connections. */
export interface ConnectionOwner {
  onConnected(connection: Http1Connection): void;
  onConnectFailed(connection: Http1Connection, error: Error): void;
  /** The exchange is over, and the connection may carry another one. */
  onIdle(connection: Http1Connection): void;
  /** The connection is of no use any more. Called once; not after `onConnectFailed`. */
  onGone(connection: Http1Connection): void;
}

/**
 * All connections are read into this one buffer: node:net calls back within the read, and most
 * answers leave as text before the next read comes. A buffer of its own for each read was a tenth
 * of the time of a request.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Chunks in one read after which the next read waits for the next turn of the event loop. Large
 * answers have a chunk for each KiB or more.
 */
const MANY_CHUNKS = 128;

/** Waits for a connection. */
export interface Waiter extends InLine {
  /**
   * Whether it must be a connection that has carried nothing yet: another kept-alive one may be
   * dead too.
   */
  readonly needsFresh: boolean;
  /** Gets a connection for one exchange. */
  onConnection(connection: Http1Connection): void;
  /** There is none to be had. */
  onNoConnection(error: Error): void;
}

/** One HTTP/1.1 connection to a destination, which carries one exchange at a time. */
export class Http1Connection implements Listed {
  /**
   * When the connection became idle, in milliseconds of a monotonic clock. The pool keeps it here.
   */
  idleSince = 0;
  /** Milliseconds that the connection may be idle. The pool keeps it here. */
  idleLimit = 0;
  /** Turn of the event loop in which the connection became idle. The pool keeps it here. */
  idleTurn = 0;
  /** Who waits for it to connect. The pool keeps it here. */
  waiter: Waiter | undefined;
  /**
   * Whose request it is in use for, or being made for; undefined while it is idle. The pool keeps
   * it here.
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
      // Not only when it is closed, which Node tells at the end of the turn: the pool would hand
      // out a connection that is dead.
      .on("error", (error) => this.#fail(error))
      .on("close", () => this.#onClose());
    this.#timer = setTimeout(
      () => this.#fail(new UpstreamError("CONNECT_TIMED_OUT", "TCP did not connect in time")),
      options.connectTimeout,
    );
  }

  /**
   * Whether the connection had been idle before its current exchange, so that its end may have been
   * under way when the request was sent.
   */
  get isKeptAlive(): boolean {
    return this.idleSince > 0;
  }

  /** Whether anything of the current answer has come. */
  get answerBegun(): boolean {
    return this.#reader.begun;
  }

  /** Bytes of the answer that wait for the rest of its header, or of its trailers. */
  get unread(): number {
    return this.#reader.heldBytes;
  }

  /**
   * Milliseconds that the destination said it would keep the connection idle; infinite when it did
   * not say.
   */
  get offeredIdleTime(): number {
    return this.#reader.offeredIdleTime;
  }

  /**
   * Sends the header of a request. The body, if any, follows by {@link write}; then
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

  /** Writes more of the request, as much as it is given: see {@link waiting}. */
  write(bytes: Buffer | string): void {
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  /**
   * Has `onDrain` called once the destination has taken all that was written. Unlike the event of
   * that name, however little waits: a body may come byte by byte.
   */
  awaitDrain(): void {
    this.#socket.write("", () => this.#user?.onDrain());
  }

  /** Bytes that the destination has not taken yet. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  /** What is written until {@link uncork} leaves in one segment if it fits. */
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

  /** Ends the exchange and the connection. The user hears nothing more. */
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

  /** @returns whether the next read may come in this turn of the event loop */
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
      // Nobody asked: a server that says 408 before it closes an idle connection, or one to keep
      // away from.
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
    // Before the request was complete, the destination answered: the rest of the body must not be
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
