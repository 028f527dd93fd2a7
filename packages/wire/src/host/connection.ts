import { constants, type IncomingHttpHeaders, type ServerHttp2Session } from "node:http2";
import { formatAddress, peerAddress, TokenBucket } from "@fenceline/api/vocabulary";
import { ControlFrames } from "../control-frames.ts";
import type { Call, CallConnection } from "./call.ts";
import type { PlaceHolder } from "./connection-places.ts";
import { headersSize } from "./headers-size.ts";
import { Keepalive } from "./keepalive.ts";
import { Usage } from "./least-served.ts";
import type { HostLimit, HostLimits } from "./limits.ts";
import type { PacedSocket } from "./paced-socket.ts";
import type { PeerRate } from "./peer-rates.ts";
import { Lane } from "./turns.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;
/**
 * GOAWAY with the highest stream number: streams that the peer opens before it receives GOAWAY are
 * still accepted (RFC 9113 §6.8).
 */
const ANY_STREAM = 2 ** 31 - 1;
/**
 * Credit for a piece of DATA beside its own bytes: the head of its frame. Never more than the piece
 * itself, or empty messages would give credit for a flood.
 */
const FRAME_CREDIT = 64;
/**
 * Credit for a message of ours: WINDOW_UPDATEs of the stream and the connection, and a PING of
 * gRPC's bandwidth probe.
 */
const ANSWER_CREDIT = 64;
/** A stream has at least two frames: its HEADERS, and those of its answer. */
const FRAMES_PER_STREAM = 2;
/** Bytes of a frame's head (RFC 9113 §4.1). */
const FRAME_HEAD = 9;
/** Credit for a new stream: its header. */
const HEADER_CREDIT = 4_096;
/** Burst of control frames, in seconds of {@link HostLimits.maxControlFrames}. */
const CONTROL_BURST = 5;
/**
 * Streams that a connection may open, at once and per second, even when others have used up the
 * rate of its address: they never keep out a new connection.
 */
const SURE_STREAMS = 4;
const SURE_RATE = 1;
/**
 * Own refusals of a connection, at once and per second, up to which it is not closed for the
 * refusals of others with its address.
 */
const OWN_REFUSALS = 32;
const OWN_REFUSAL_RATE = 4;
/** Milliseconds between two checks for timeouts. */
const CHECK_MS = 1_000;
/** Milliseconds between the end of a connection's last calls and its close. */
const LAST_WORDS_MS = 1_000;

/** Why a stream is refused before any work is done for it. */
export type StreamRefusal = Extract<HostLimit, "stream_rate" | "overhead" | "peer_connections">;

export interface ConnectionEvents {
  limited(limit: HostLimit, peer: string): void;
}

/**
 * One client's connection: it bounds what the client may send beside messages, and how long the
 * connection may live.
 */
export class Connection implements CallConnection, PlaceHolder {
  /** Without the port. */
  readonly address: string;
  readonly remoteAddress: string;
  /** Of the streams of its address. */
  readonly lane = new Lane();
  readonly #socket: PacedSocket;
  readonly #session: ServerHttp2Session;
  readonly #limits: HostLimits;
  readonly #events: ConnectionEvents;
  readonly #calls = new Set<Call>();
  readonly #overhead: TokenBucket;
  readonly #control: ControlFrames;
  readonly #streams: TokenBucket;
  readonly #sure: TokenBucket;
  readonly #refusals: TokenBucket;
  readonly #agesAt: number;
  /** Whose stream was the first one. */
  #peer: string | undefined;
  #isShared = false;
  #isSidecars = false;
  #isSurplus = false;
  /** Bytes of messages and new streams, and those that were found to be overhead. */
  #credited = 0;
  #charged = 0;
  readonly #keepalive: Keepalive;
  #checkedAt: number;
  #busyAt: number;
  #endsAt: number | undefined;

  /** @param now milliseconds of a monotonic clock @param jitter from 0.9 to 1.1 */
  constructor(paced: PacedSocket, session: ServerHttp2Session, limits: HostLimits, events: ConnectionEvents, now: number, jitter: number) {
    this.address = peerAddress(paced.socket.remoteAddress);
    this.remoteAddress = formatAddress(this.address, paced.socket.remotePort ?? 0);
    this.#socket = paced;
    this.#session = session;
    this.#limits = limits;
    this.#events = events;
    this.#overhead = new TokenBucket(limits.overheadBurst, limits.overheadRate, now);
    this.#control = new ControlFrames(limits.maxControlFrames * CONTROL_BURST, limits.maxControlFrames, now);
    this.#streams = new TokenBucket(limits.streamBurst, limits.streamRate, now);
    this.#sure = new TokenBucket(SURE_STREAMS, SURE_RATE, now);
    this.#refusals = new TokenBucket(OWN_REFUSALS, OWN_REFUSAL_RATE, now);
    this.#agesAt = now + limits.maxConnectionAgeMs * jitter;
    this.#keepalive = new Keepalive(session, limits, now);
    this.#checkedAt = this.#busyAt = now;
    const onControl = () => this.#controlFrame();
    // Reported one by one, so that a flood ends within the piece that is being read, and not at the
    // next check.
    session.on("ping", onControl);
    session.on("remoteSettings", onControl);
  }

  /**
   * A stream begins. Returns the limit that it exceeds: then it is refused.
   *
   * A connection is closed when there are too many refusals, both of its peer and of its own. A
   * connection on which a second peer was ever seen is not closed: it is a sidecar's, and closing
   * it would end the streams of others.
   *
   * @param peer a certified identity, else the address
   * @param rate of the peer
   */
  opened(peer: string, rate: PeerRate, headers: IncomingHttpHeaders, now: number): StreamRefusal | undefined {
    this.#peer ??= peer;
    this.#control.earn(FRAMES_PER_STREAM);
    if (peer !== this.#peer && !this.#isShared) {
      this.#isShared = true;
      this.#socket.usage = new Usage();
    }
    if (peer !== this.address) this.#isSidecars = true;
    const limit = this.#isSidecars ? this.#openedBehindSidecar(rate, headers, now) : this.#openedBy(rate, now);
    if (limit !== undefined && limit !== "overhead" && !this.#isShared) this.#refused(rate, now);
    return limit;
  }

  /**
   * The peer of its first stream is certified.
   *
   * @param rate of the peer: a further connection gives it no further streams
   * @param isSurplus the peer's share has no room for this connection, so its streams are refused.
   * If it were closed, the sidecar would open another one, which costs more
   */
  belongsTo(rate: PeerRate, isSurplus: boolean): void {
    this.#socket.usage = rate.usage;
    this.#isSurplus = isSurplus;
  }

  /**
   * Whether a certified peer had a stream here. Then it is a sidecar's connection, which may carry
   * streams of many peers, each with its own rate.
   */
  get isSidecars(): boolean {
    return this.#isSidecars;
  }

  #openedBy(rate: PeerRate, now: number): StreamRefusal | undefined {
    this.#credited += HEADER_CREDIT;
    const isOpen = this.#streams.take(1, now) && (rate.streams.take(1, now) || this.#sure.take(1, now));
    return isOpen ? undefined : "stream_rate";
  }

  #openedBehindSidecar(rate: PeerRate, headers: IncomingHttpHeaders, now: number): StreamRefusal | undefined {
    const bytes = headersSize(headers);
    this.#credited += Math.max(HEADER_CREDIT, bytes);
    if (this.#isSurplus && !this.#isShared) return "peer_connections";
    if (!rate.streams.take(1, now)) return "stream_rate";
    return rate.overhead.take(Math.max(0, bytes - HEADER_CREDIT), now) ? undefined : "overhead";
  }

  #refused(rate: PeerRate, now: number): void {
    if (rate.refusals.take(1, now) || this.#refusals.take(1, now)) return;
    // A client whose connection is closed connects again. Behind a sidecar, where many peers have
    // one address, this must not use up the others' rate of new connections.
    if (!this.#isSidecars || rate.cuts.take(1, now)) this.cut("stream_rate");
  }

  add(call: Call): void {
    this.#calls.add(call);
  }

  remove(call: Call): void {
    this.#calls.delete(call);
  }

  received(bytes: number, rate: PeerRate | undefined, now: number): boolean {
    this.#control.earn(1);
    if (rate === undefined) {
      this.#credited += bytes + Math.min(bytes, FRAME_CREDIT);
      return true;
    }
    this.#credited += bytes + FRAME_CREDIT;
    return rate.overhead.take(Math.max(0, FRAME_HEAD - bytes), now);
  }

  /** A peer may answer each of our messages with control frames, as gRPC's bandwidth probes do. */
  sent(): void {
    this.#control.earn(1);
    this.#credited += ANSWER_CREDIT;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  displace(): void {
    this.cut("displaced");
  }

  /** Asks the peer to connect elsewhere. Open streams may go on for a while. */
  retire(now: number): void {
    if (this.#endsAt !== undefined || this.#session.destroyed) return;
    this.#endsAt = now + this.#limits.maxConnectionAgeGraceMs;
    this.#session.goaway(NGHTTP2_NO_ERROR, ANY_STREAM);
    this.#session.close();
  }

  /** Ends every call in good order. */
  retireCalls(): void {
    for (const call of [...this.#calls]) call.retire();
  }

  cut(limit: HostLimit): void {
    if (this.#session.destroyed) return;
    this.#events.limited(limit, this.remoteAddress);
    this.#session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /**
   * Closes the connection now. Of a retired connection Node ends only our side, and the peer may
   * never end its own.
   */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /**
   * Checks the rates, and from time to time the timeouts. Each connection has its own time for the
   * latter, so that few of thousands are due at once.
   */
  look(now: number): void {
    this.#checkOverhead(now);
    if (now - this.#checkedAt < CHECK_MS) return;
    this.#checkedAt = now;
    this.#check(now);
  }

  #checkOverhead(now: number): void {
    const overhead = this.#socket.bytesRead - this.#credited - this.#charged;
    if (overhead <= 0) return;
    let unread = 0;
    for (const call of this.#calls) unread += call.unread;
    const excess = overhead - unread;
    if (excess <= 0) return;
    this.#charged += excess;
    if (!this.#overhead.take(excess, now)) this.cut("overhead");
  }

  #check(now: number): void {
    // A call on a destroyed session throws, and its `close` event comes later. Its last frames had
    // time to leave since the check before.
    if (this.#session.destroyed) {
      this.destroy();
      return;
    }
    for (const call of this.#calls) call.check(now);
    if (this.#calls.size > 0) this.#busyAt = now;
    if (this.#endsAt !== undefined) this.#end(now, this.#endsAt);
    else if (now >= this.#agesAt) this.retire(now);
    else if (now - this.#busyAt >= this.#maxIdleMs) {
      this.#events.limited("idle", this.remoteAddress);
      this.retire(now);
    } else if (!this.#keepalive.check(this.#socket.bytesRead, now)) this.destroy();
  }

  get #maxIdleMs(): number {
    const { maxConnectionIdleMs, maxSidecarIdleMs } = this.#limits;
    const isShort = this.#isSidecars || this.#peer === undefined;
    return isShort ? Math.min(maxConnectionIdleMs, maxSidecarIdleMs) : maxConnectionIdleMs;
  }

  #end(now: number, endsAt: number): void {
    if (now >= endsAt + LAST_WORDS_MS) this.destroy();
    else if (now >= endsAt) this.retireCalls();
  }

  #controlFrame(): void {
    if (!this.#control.take(performance.now())) this.cut("control_frames");
  }
}
