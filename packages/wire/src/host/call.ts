import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Answer } from "./answer.ts";
import { type GrpcStatus, limitStatus } from "./grpc-status.ts";
import { Usage } from "./least-served.ts";
import type { HostLimit, HostLimits } from "./limits.ts";
import { MessageFrames } from "./message-frames.ts";
import type { PeerRate } from "./peer-rates.ts";
import type { Held, Peer, Peers } from "./peers.ts";
import type { CallHandler, GrpcCall, GrpcMethod } from "./service.ts";
import type { Lane, Turns, Work } from "./turns.ts";

/** What all calls of a host share. */
export interface CallContext {
  readonly limits: HostLimits;
  readonly peers: Peers;
  readonly turns: Turns;
  /** A limit was exceeded. */
  readonly limited: (limit: HostLimit, peer: string) => void;
}

/** The connection of a call. The call reports to it which bytes were messages. */
export interface CallConnection {
  readonly remoteAddress: string;
  /**
   * Returns false when the peer sends too much beside its messages.
   *
   * @param rate of a peer that shares the connection with others
   */
  received(bytes: number, rate: PeerRate | undefined, now: number): boolean;
  sent(): void;
}

/** Where a call comes from. */
export interface CallOrigin {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly owner: Peer;
  readonly connection: CallConnection;
  /** The streams with which it shares its peer's time. */
  readonly lane: Lane;
  /** Of a peer that shares the connection with others. */
  readonly rate: PeerRate | undefined;
}

/**
 * One HTTP/2 stream with a call. It is read only while its messages can be processed, so that flow
 * control slows down the sender.
 */
export class Call implements GrpcCall, Work, Held {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly owner: Peer;
  readonly lane: Lane;
  readonly usage = new Usage();
  readonly #stream: ServerHttp2Stream;
  readonly #connection: CallConnection;
  readonly #context: CallContext;
  readonly #frames: MessageFrames;
  readonly #answer: Answer;
  readonly #rate: PeerRate | undefined;
  #method: GrpcMethod | undefined;
  #handler: CallHandler | undefined;
  #held = 0;
  #heldByService = 0;
  /** Number of messages so far, and at the last {@link check}. */
  #messages = 0;
  #messagesSeen = 0;
  #heardAt = 0;
  /** When {@link check} first saw the unfinished message. */
  #unfinishedSince: number | undefined;
  #isWaiting = false;
  #isPaused = false;
  #isHalfClosed = false;
  #isClosed = false;

  constructor({ stream, headers, owner, connection, lane, rate }: CallOrigin, context: CallContext) {
    this.path = headers[":path"] ?? "";
    this.headers = headers;
    this.owner = owner;
    this.lane = lane;
    this.#stream = stream;
    this.#connection = connection;
    this.#context = context;
    this.#rate = rate;
    this.#frames = new MessageFrames(context.limits.maxMessageBytes);
    this.#answer = new Answer(stream, () => this.#isHalfClosed);
    stream.on("close", () => this.#over());
  }

  get peer(): string {
    return this.owner.key;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get held(): number {
    return this.#held;
  }

  /** Bytes that were received and not processed yet. */
  get unread(): number {
    return this.#stream.readableLength;
  }

  /** Begins to read. @param now milliseconds of a monotonic clock */
  start(method: GrpcMethod, now: number): void {
    this.#method = method;
    this.#heardAt = now;
    const handler = method.open(this);
    this.#handler = handler;
    this.#stream.on("data", (chunk: Buffer) => this.#data(chunk));
    this.#stream.on("end", () => this.#end());
    this.#stream.on("drain", () => handler.drained?.());
  }

  hold(bytes: number): void {
    this.#heldByService += bytes;
    this.#settle();
  }

  pause(): () => void {
    this.#isPaused = true;
    return () => {
      if (!this.#isPaused) return;
      this.#isPaused = false;
      this.#isWaiting = true;
      this.#context.turns.offer(this);
    };
  }

  send(message: Buffer): boolean {
    if (!this.#answer.isOpen) return false;
    this.#connection.sent();
    return this.#answer.send(message);
  }

  end(status: GrpcStatus): void {
    if (this.#answer.isEnded) return;
    this.#answer.end(status);
    this.#over();
  }

  /** Ends in good order. */
  retire(): void {
    this.#handler?.retire();
  }

  displace(): void {
    this.fail("displaced");
  }

  fail(limit: HostLimit): void {
    if (this.#answer.isEnded) return;
    this.#context.limited(limit, this.peer);
    this.end(limitStatus(limit, this.#context.limits));
  }

  /** Checks whether a message takes too long. */
  check(now: number): void {
    if (this.#messages !== this.#messagesSeen || this.#isWaiting) {
      this.#messagesSeen = this.#messages;
      this.#heardAt = now;
      this.#unfinishedSince = undefined;
    }
    if (this.#isWaiting || this.#isHalfClosed) return;
    const { maxMessageMs } = this.#context.limits;
    if (!this.#frames.isUnfinished && this.#messages > 0) this.#unfinishedSince = undefined;
    else this.#unfinishedSince ??= now;
    if (this.#unfinishedSince !== undefined && now - this.#unfinishedSince >= maxMessageMs) this.fail("message_time");
    else if (now - this.#heardAt >= (this.#method?.maxIdleMs ?? Number.POSITIVE_INFINITY)) {
      this.#context.limited("idle", this.peer);
      this.retire();
    }
  }

  step(): boolean {
    if (this.#answer.isEnded || this.#isClosed) return false;
    if (this.#isPaused) {
      this.wait();
      return false;
    }
    const message = this.#frames.next();
    if (Buffer.isBuffer(message)) {
      this.#messages++;
      this.#handler?.message(message);
      return true;
    }
    if (message !== undefined) this.fail(message);
    else this.#readOn();
    return false;
  }

  wait(): void {
    this.#isWaiting = true;
    this.#stream.pause();
  }

  #data(chunk: Buffer): void {
    const isFair = this.#connection.received(chunk.length, this.#rate, performance.now());
    if (!isFair) this.fail("overhead");
    if (this.#answer.isEnded) return;
    this.#frames.push(chunk);
    this.#context.turns.offer(this);
  }

  /** Everything that was read is processed. */
  #readOn(): void {
    this.#settle();
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#stream.resume();
    if (this.#isHalfClosed) this.#tellHalfClosed();
  }

  /**
   * Node reports the end of a paused stream when it has handed out all bytes, while messages in
   * them may still wait for their turn.
   */
  #end(): void {
    this.#isHalfClosed = true;
    if (this.#isWaiting || this.#isPaused) return;
    // Thousands of streams may end at once.
    this.#isWaiting = true;
    this.#context.turns.offer(this);
  }

  #tellHalfClosed(): void {
    if (!this.#answer.isEnded) this.#handler?.halfClosed?.();
  }

  #settle(): void {
    if (this.#isClosed) return;
    const held = this.#frames.held + this.#heldByService;
    const more = held - this.#held;
    if (more === 0) return;
    this.#held = held;
    const limit = this.#context.peers.hold(this.owner, more);
    if (limit !== undefined) this.fail(limit);
  }

  /**
   * Frees what the call holds. It does not wait until the stream has closed: a client that never
   * reads the answer would keep it open.
   */
  #over(): void {
    if (this.#isClosed) return;
    this.#frames.clear();
    this.#heldByService = 0;
    this.#settle();
    this.#isClosed = true;
    this.#context.peers.close(this.owner, this);
    this.#handler?.closed?.();
  }
}
