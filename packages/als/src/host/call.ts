import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { GRPC_STATUS, type GrpcStatus } from "./grpc-status.ts";
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
  /** A limit was met. */
  readonly limited: (limit: HostLimit, peer: string) => void;
}

/** The connection of a call, as far as the call tells it what was worth its bytes. */
export interface CallConnection {
  readonly remoteAddress: string;
  /**
   * Returns false when the peer, whose rate that is, sends too much beside its messages. @param
   * rate of a peer that shares the connection with others
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
  /** With whom it shares its peer's time. */
  readonly lane: Lane;
  /** Of a peer that shares its connection with others. */
  readonly rate: PeerRate | undefined;
}

const PREFIX = 5;

const DETAILS: Partial<Record<HostLimit, string>> = {
  compressed: "compressed messages are not taken: send grpc-encoding identity",
  framing: "a message prefix has an unknown flag",
  message_time: "a message was begun and not finished in time",
  peer_bytes: "this peer holds too much in unfinished messages",
  peer_streams: "this peer has too many streams",
  stream_rate: "this peer opens streams too often",
  overhead: "this peer sends too much beside its messages",
  streams: "too many streams on this replica: another may have room",
  displaced: "another peer needed the room of this stream",
};

/** The status that a call meets with when it breaks a limit. */
export function limitStatus(limit: HostLimit, limits: HostLimits): GrpcStatus {
  const code =
    limit === "compressed" ? GRPC_STATUS.UNIMPLEMENTED : limit === "framing" ? GRPC_STATUS.INTERNAL : GRPC_STATUS.RESOURCE_EXHAUSTED;
  const details = limit === "message_size" ? `a message may have ${limits.maxMessageBytes} bytes` : (DETAILS[limit] ?? limit);
  return { code, details };
}

/**
 * One HTTP/2 stream that carries a call. It is read only while its messages can be worked on, so
 * that flow control holds up the sender.
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
  readonly #rate: PeerRate | undefined;
  #method: GrpcMethod | undefined;
  #handler: CallHandler | undefined;
  #held = 0;
  #heldByService = 0;
  /** Messages so far, and those that {@link check} has seen. */
  #messages = 0;
  #messagesSeen = 0;
  #heardAt = 0;
  /** When {@link check} first saw the message that is not whole yet. */
  #unfinishedSince: number | undefined;
  #isWaiting = false;
  #isPaused = false;
  #isHalfClosed = false;
  #trailers: OutgoingHttpHeaders | undefined;
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

  /**
   * Whether nothing can be sent any more: what is sent all the same throws. A stream whose client
   * left is closed at once, and destroyed only when all that it had sent was read; in between Node
   * tells its end as it tells that of any other.
   */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Bytes that were received and not looked at yet. */
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
    if (this.#trailers !== undefined || this.#isGone) return false;
    this.#respond();
    const framed = Buffer.allocUnsafe(PREFIX + message.length);
    framed[0] = 0;
    framed.writeUInt32BE(message.length, 1);
    message.copy(framed, PREFIX);
    this.#connection.sent();
    return this.#stream.write(framed);
  }

  end(status: GrpcStatus): void {
    if (this.#trailers !== undefined) return;
    this.#trailers = statusFields(status);
    this.#over();
    if (this.#isGone) return;
    if (this.#stream.headersSent) this.#stream.end();
    else {
      this.#stream.respond({ ...RESPONSE, ...this.#trailers }, { endStream: true });
      this.#leave();
    }
  }

  /** Ends in good order. */
  retire(): void {
    this.#handler?.retire();
  }

  displace(): void {
    this.fail("displaced");
  }

  fail(limit: HostLimit): void {
    if (this.#trailers !== undefined) return;
    this.#context.limited(limit, this.peer);
    this.end(limitStatus(limit, this.#context.limits));
  }

  /** Looks for what has taken too long. */
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
    if (this.#trailers !== undefined || this.#isClosed) return false;
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
    if (this.#trailers !== undefined) return;
    this.#frames.push(chunk);
    this.#context.turns.offer(this);
  }

  /** All that was read has been worked on. */
  #readOn(): void {
    this.#settle();
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#stream.resume();
    if (this.#isHalfClosed) this.#tellHalfClosed();
  }

  /**
   * Node tells the end of a paused stream whose bytes it has all handed out, while messages in them
   * may still wait for their turn.
   */
  #end(): void {
    this.#isHalfClosed = true;
    if (!this.#isWaiting && !this.#isPaused) this.#tellHalfClosed();
  }

  #tellHalfClosed(): void {
    if (this.#trailers === undefined) this.#handler?.halfClosed?.();
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
   * All is said. A client that still sends is told that nobody reads it (RFC 9113 §8.1), once the
   * last frame has left.
   */
  #leave(): void {
    this.#stream.resume();
    if (!this.#isHalfClosed) setImmediate(() => this.#stream.close(constants.NGHTTP2_NO_ERROR));
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
   * Gives back what the call takes. Not only once the stream has closed: a client that reads no
   * answer would hold on to it.
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

/** The fields that say how a call ended. */
export function statusFields({ code, details }: GrpcStatus): OutgoingHttpHeaders {
  return { "grpc-status": String(code), ...(details !== "" && { "grpc-message": encodeURI(details) }) };
}

/** Header of every answer. */
export const RESPONSE: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc", "grpc-accept-encoding": "identity" };
