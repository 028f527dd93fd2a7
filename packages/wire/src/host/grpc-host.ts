import { once } from "node:events";
import type { Http2Server, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { listenFailed, peerAddress } from "@fenceline/api/vocabulary";
import { statusOnly } from "./answer.ts";
import { Call, type CallContext, type CallOrigin } from "./call.ts";
import { Connection, type StreamRefusal } from "./connection.ts";
import { ConnectionPlaces } from "./connection-places.ts";
import { GRPC_STATUS, limitStatus } from "./grpc-status.ts";
import { createHttp2 } from "./http2-server.ts";
import { DEFAULT_HOST_LIMITS, type HostLimit, type HostLimits } from "./limits.ts";
import { PacedSocket } from "./paced-socket.ts";
import { type PeerRate, PeerRates } from "./peer-rates.ts";
import { Peers } from "./peers.ts";
import { Refusals } from "./refusals.ts";
import { httpRefusal, isCompressed, refuse, refuseHttp } from "./refuse.ts";
import type { GrpcMethod, GrpcService } from "./service.ts";
import { StreamPace } from "./stream-pace.ts";
import { Turns } from "./turns.ts";

export interface GrpcHostOptions {
  /** Address to listen on, for example `127.0.0.1` or `::`. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /**
   * A server that listens on the port already: its socket is taken over. Default: the port is
   * bound.
   */
  readonly bound?: Server | undefined;
  readonly services: readonly GrpcService[];
  /** A limit that is not given has its default. */
  readonly limits?: Partial<HostLimits>;
  /**
   * The peer to which the limits of a call apply, by its headers and the address of its connection.
   * Default: the address.
   */
  readonly peerOf?: (headers: IncomingHttpHeaders, address: string) => string;
  /** This peer, or `ip:port`, exceeded a limit. What the function throws is ignored. */
  readonly onLimit?: (limit: HostLimit, peer: string) => void;
}

/** A listening host of gRPC services. */
export interface GrpcHost {
  /** The port on which it listens. */
  readonly port: number;
  /** Streams open now. */
  readonly streams: number;
  readonly connections: number;
  /** Bytes of unfinished messages, and of what services hold for their calls. */
  readonly heldBytes: number;
  /**
   * Stops listening, retires every call, and waits until the connections are closed. After
   * `graceMs` milliseconds (default 1 s) it closes those that are left. Never fails.
   */
  close(graceMs?: number): Promise<void>;
}

/** Milliseconds between two checks of all connections. */
const LOOK_MS = 100;

/**
 * Serves gRPC over HTTP/2 without TLS (the sidecar in front does mTLS), and bounds the memory and
 * work that anybody can cause.
 *
 * It is not the server of grpc-js, see docs/adr. That one inflates messages before they can be
 * refused, reads 16 messages ahead whatever their size, and has no settings for HTTP/2's own
 * limits.
 *
 * @throws FencelineError `LISTEN_FAILED` when the address cannot be bound.
 */
export async function startGrpcHost(options: GrpcHostOptions): Promise<GrpcHost> {
  const host = new Host(options);
  await host.listen(options);
  return host;
}

class Host implements GrpcHost {
  readonly #limits: HostLimits;
  readonly #methods = new Map<string, GrpcMethod>();
  readonly #peerOf: (headers: IncomingHttpHeaders, address: string) => string;
  readonly #context: CallContext;
  readonly #listener: Server;
  readonly #http2: Http2Server;
  readonly #connections = new Map<ServerHttp2Session, Connection>();
  readonly #places: ConnectionPlaces;
  readonly #rates: PeerRates;
  /** Addresses from which a certificate was shown: that of the sidecar in front of us. */
  readonly #sidecars = new Set<string>();
  readonly #refusals = new Refusals();
  readonly #refusalOf: Readonly<Record<StreamRefusal, OutgoingHttpHeaders>>;
  #port = 0;
  readonly #pace = new StreamPace();
  readonly #dataPace = StreamPace.ofData();
  /** The socket whose session is being made. */
  #accepting: PacedSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor({ services, limits, peerOf = (_headers, address) => address, onLimit = () => {} }: GrpcHostOptions) {
    this.#limits = { ...DEFAULT_HOST_LIMITS, ...limits };
    this.#rates = new PeerRates(this.#limits);
    const refusal = (limit: HostLimit) => statusOnly(limitStatus(limit, this.#limits));
    this.#refusalOf = {
      stream_rate: refusal("stream_rate"),
      overhead: refusal("overhead"),
      peer_connections: refusal("peer_connections"),
    };
    for (const service of services) for (const [path, method] of Object.entries(service)) this.#methods.set(path, method);
    this.#peerOf = peerOf;
    const limited = (limit: HostLimit, peer: string): void => {
      try {
        onLimit(limit, peer);
      } catch {
        // Nobody is left to be told.
      }
    };
    this.#context = { limits: this.#limits, peers: new Peers(this.#limits), turns: new Turns(), limited };
    this.#places = new ConnectionPlaces(this.#limits);
    this.#http2 = createHttp2(this.#limits.maxStreamsPerConnection, (session) => this.#session(session));
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#accept(socket),
    );
  }

  get port(): number {
    return this.#port;
  }

  get streams(): number {
    return this.#context.peers.streams;
  }

  get connections(): number {
    return this.#places.taken;
  }

  get heldBytes(): number {
    return this.#context.peers.bytes;
  }

  async listen({ host, port, bound }: GrpcHostOptions): Promise<void> {
    try {
      if (bound === undefined) this.#listener.listen(port, host);
      else this.#listener.listen(bound);
      await once(this.#listener, "listening");
    } catch (cause) {
      throw listenFailed(host, port, cause);
    }
    this.#port = (this.#listener.address() as AddressInfo).port;
    // There was no file descriptor for a connection: libuv closes it, and the next one may succeed.
    this.#listener.on("error", () => this.#context.limited("connections", "unknown"));
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_MS).unref();
  }

  async close(graceMs = 1_000): Promise<void> {
    this.#isClosing = true;
    const closed = this.#listener.listening ? once(this.#listener, "close") : Promise.resolve([]);
    this.#listener.close();
    const now = performance.now();
    for (const connection of this.#connections.values()) {
      connection.retireCalls();
      connection.retire(now);
    }
    const force = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.destroy();
    }, graceMs);
    await closed;
    clearTimeout(force);
    clearInterval(this.#timer);
  }

  /** Closes a connection that exceeds a limit before any work is done for it. */
  #accept(socket: Socket): void {
    const limit = this.#isClosing ? undefined : this.#admit(socket);
    if (limit !== undefined) this.#context.limited(limit, peerAddress(socket.remoteAddress));
    if (limit !== undefined || this.#isClosing) {
      socket.destroy();
      return;
    }
    const paced = new PacedSocket(socket, this.#pace, this.#dataPace);
    // Answers so far are still sent.
    paced.on("end", () => paced.end(() => {}));
    this.#accepting = paced;
    this.#http2.emit("connection", this.#accepting);
    this.#accepting = undefined;
  }

  #admit(socket: Socket): HostLimit | undefined {
    const now = performance.now();
    const address = peerAddress(socket.remoteAddress);
    // The sidecar's connections are everybody's. They are paced, and each peer has its own rate.
    const isSidecars = this.#sidecars.has(address);
    const isRated = isSidecars || this.#rates.of(address, false, now).connections.take(1, now);
    return isRated ? this.#places.admits(address, isSidecars) : "address_connections";
  }

  #session(session: ServerHttp2Session): void {
    const socket = this.#accepting;
    if (socket === undefined) {
      session.destroy();
      return;
    }
    const jitter = 0.9 + Math.random() * 0.2;
    const connection = new Connection(socket, session, this.#limits, this.#context, performance.now(), jitter);
    this.#connections.set(session, connection);
    this.#places.take(connection.address, connection);
    // Not the server's event: at its time, a stream that was reset in the piece that opened it has
    // no session any more. Such a stream counts like any other.
    session.on("stream", (stream, headers) => this.#stream(stream, headers, connection));
    session.on("error", () => this.#context.limited("http2", connection.remoteAddress));
    session.on("close", () => {
      this.#connections.delete(session);
      this.#places.leave(connection);
    });
  }

  #stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: Connection): void {
    stream.on("error", ignored);
    const now = performance.now();
    const peer = this.#peerOf(headers, connection.address);
    const isCertified = peer !== connection.address;
    const rate = this.#rates.of(peer, isCertified, now);
    if (isCertified && !connection.isSidecars) this.#certified(connection, peer, rate, now);
    const limit = connection.opened(peer, rate, headers, now);
    if (limit !== undefined) this.#context.limited(limit, peer);
    // It may have been reset before this event, or its connection was closed.
    if (stream.destroyed) stream.close();
    else if (limit !== undefined) this.#refusals.add(() => refuse(stream, this.#refusalOf[limit]));
    else {
      const owner = this.#context.peers.of(peer);
      const lane = isCertified ? owner.lane : connection.lane;
      this.#call({ stream, headers, owner, connection, lane, rate: connection.isSidecars ? rate : undefined }, now);
    }
  }

  /** From now on the connection counts for its peer, and no longer for the sidecar's address. */
  #certified(connection: Connection, peer: string, rate: PeerRate, now: number): void {
    this.#sidecars.add(connection.address);
    const isFree = this.#places.belongsTo(peer, connection);
    connection.belongsTo(rate, !isFree || !rate.connections.take(1, now));
  }

  #call(origin: CallOrigin & { readonly connection: Connection }, now: number): void {
    const status = httpRefusal(origin.headers);
    if (status !== undefined) {
      refuseHttp(origin.stream, status);
      return;
    }
    const call = new Call(origin, this.#context);
    const method = this.#methods.get(call.path);
    if (method === undefined) call.end({ code: GRPC_STATUS.UNIMPLEMENTED, details: "no such method here" });
    else if (this.#isClosing) call.end({ code: GRPC_STATUS.UNAVAILABLE, details: "shutting down: go to another replica" });
    else if (isCompressed(origin.headers)) call.fail("compressed");
    else {
      const met = this.#context.peers.open(origin.owner, call);
      if (met === undefined) this.#start(call, method, origin.stream, origin.connection, now);
      else {
        call.fail(met);
        method.refused?.();
      }
    }
  }

  #start(call: Call, method: GrpcMethod, stream: ServerHttp2Stream, connection: Connection, now: number): void {
    connection.add(call);
    stream.on("close", () => connection.remove(call));
    call.start(method, now);
  }

  #look(now: number): void {
    for (const connection of this.#connections.values()) connection.look(now);
  }
}

/** The end of a stream says everything. An error without a listener would end the process. */
function ignored(): void {}
