import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { CallObserver, ConnectionPipeline, Pipeline } from "../calls/call.ts";
import type { Lifecycle } from "../calls/lifecycle.ts";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import { DEFAULT_CONNECT_TIMEOUT, type UpstreamOptions } from "../calls/upstream-options.ts";
import { type Http1Context, Http1Exchange } from "../http1/exchange.ts";
import { Http1Pools } from "../http1/pools.ts";
import { receivedRequest, versionFault } from "../http1/request.ts";
import {
  createHttp1Server,
  DEFAULT_HEADERS_TIMEOUT,
  DEFAULT_KEEP_ALIVE_TIMEOUT,
  DEFAULT_MAX_HEADER_SIZE,
  type ListenerOptions,
} from "../http1/server.ts";
import { UnfinishedHeaders } from "../http1/unfinished-headers.ts";
import { type Http2Context, Http2Exchange } from "../http2/exchange.ts";
import type { Http2Options } from "../http2/options.ts";
import { Http2Pools } from "../http2/pools.ts";
import { readHttp2Request } from "../http2/request.ts";
import { ClientSessions } from "../http2/server.ts";
import { StalledStreams } from "../http2/stalled-streams.ts";
import type { KeptBytes } from "../http2/upload.ts";
import { Turns } from "../resolve/turns.ts";
import { OpenHellos } from "../tunnel/open-hellos.ts";
import { createTlsPassThrough } from "../tunnel/tls-exchange.ts";
import type { TunnelContext, TunnelOptions } from "../tunnel/tunnel-context.ts";
import { UpgradeExchange } from "../tunnel/upgrade-exchange.ts";
import { ProtocolSniffer } from "./sniff-protocol.ts";

/** What every protocol's calls need. */
export interface ServerParts {
  readonly pipeline: Pipeline;
  readonly connectionPipeline: ConnectionPipeline;
  readonly observer: CallObserver;
  /** Is told of connections that never became a call. */
  readonly listener: ListenerObserver;
  readonly lifecycle: Lifecycle;
}

export interface ServerOptions {
  readonly listener?: ListenerOptions;
  readonly upstream?: UpstreamOptions;
  readonly http2?: Http2Options;
  readonly tunnel?: TunnelOptions;
}

/**
 * All protocols on one port: HTTP/1.1 with its upgrades, HTTP/2 and TLS, distinguished by their
 * first bytes, and the connections to destinations. It does not listen itself: connections come as
 * `connection` events of {@link server}.
 *
 * The way of a request: the server of its protocol reads it → an exchange is made for it → the
 * pipeline runs all steps → the exchange forwards it → attempts → pool → connection, and the answer
 * comes back to the exchange.
 */
export class ProtocolServers {
  readonly server: Server;
  /** Incomplete requests of clients. */
  readonly unfinished: UnfinishedHeaders;
  readonly #parts: ServerParts;
  readonly #options: ServerOptions;
  readonly #sniffer: ProtocolSniffer;
  readonly #turns = new Turns();
  readonly #pools: Http1Pools;
  readonly #sessionPools: Http2Pools;
  readonly #stalled: StalledStreams;
  readonly #lateUploads: StalledStreams;
  readonly #kept: KeptBytes = { bytes: 0 };

  constructor(parts: ServerParts, options: ServerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pools = new Http1Pools(options.upstream);
    this.#sessionPools = new Http2Pools(options.upstream, options.http2);
    this.#stalled = new StalledStreams(options.http2?.stallTimeout ?? 300_000, (session) => http2.cutDeaf(session));
    this.#lateUploads = new StalledStreams(options.http2?.uploadTimeout ?? 5_000);
    const { headersTimeout = DEFAULT_HEADERS_TIMEOUT, keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT } = options.listener ?? {};
    const { maxHeaderSize = DEFAULT_MAX_HEADER_SIZE } = options.listener ?? {};
    this.unfinished = new UnfinishedHeaders(maxHeaderSize);
    const tunnels = this.#tunnelContext();
    const server = this.#http1Server(tunnels);
    const http2 = this.#http2Server();
    const tls = this.#tlsServer(tunnels, headersTimeout);
    const times = { headersTimeout, idleTimeout: keepAliveTimeout };
    this.#sniffer = new ProtocolSniffer(server, { http2: (socket) => http2.accept(socket), tls }, times);
    this.server = server;
    this.#register(this.#sniffer, http2);
  }

  /** Number of addresses with pools of connections. */
  get pools(): number {
    return this.#pools.size + this.#sessionPools.size;
  }

  /** Bytes of HTTP/2 bodies that are kept for a retry. */
  get keptForRepeats(): number {
    return this.#kept.bytes;
  }

  /** See {@link ProtocolSniffer.closeSilent}. */
  closeSilent(): boolean {
    return this.#sniffer.closeSilent();
  }

  #http1Server(tunnels: TunnelContext): Server {
    const { pipeline, observer, listener, lifecycle } = this.#parts;
    const context: Http1Context = { observer, turns: this.#turns, pools: this.#pools, lifecycle };
    return createHttp1Server(
      {
        request(request, response, awaitsContinue) {
          const exchange = new Http1Exchange(context, request, response, awaitsContinue);
          pipeline(exchange, receivedRequest(request), versionFault(request));
          return exchange;
        },
        upgrade(request, head) {
          pipeline(new UpgradeExchange(tunnels, request, request.socket, head), receivedRequest(request));
        },
        detached(socket) {
          const detached = { cut: () => socket.destroy() };
          lifecycle.hold(detached);
          socket.once("close", () => lifecycle.release(detached));
        },
        observer: listener,
        unfinished: this.unfinished,
      },
      this.#options.listener,
    );
  }

  #http2Server(): ClientSessions {
    const { pipeline, observer, listener: listenerObserver, lifecycle } = this.#parts;
    const { http2, listener = {} } = this.#options;
    const { headersTimeout = DEFAULT_HEADERS_TIMEOUT, keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT } = listener;
    const streams = { stalled: this.#stalled, lateUploads: this.#lateUploads };
    const context: Http2Context = { observer, turns: this.#turns, pools: this.#sessionPools, ...streams, kept: this.#kept };
    return new ClientSessions(
      (stream, fields, flags, rawFields, client) => {
        const request = readHttp2Request(fields, flags, rawFields);
        pipeline(new Http2Exchange(context, stream, request, client), request, request.refused);
      },
      listenerObserver,
      lifecycle,
      { ...http2, headersTimeout, keepAliveTimeout, unfinished: this.unfinished },
    );
  }

  #tlsServer(tunnels: TunnelContext, helloTimeout: number): (socket: Socket) => void {
    const { connectionPipeline: pipeline, listener } = this.#parts;
    const port = this.#options.tunnel?.tlsPort ?? 443;
    const { unfinished } = this;
    const pass = createTlsPassThrough({ ...tunnels, pipeline, listener, helloTimeout, port, hellos: new OpenHellos(), unfinished });
    return (socket) => {
      pass(socket);
      socket.resume();
    };
  }

  #tunnelContext(): TunnelContext {
    const { upstream, tunnel } = this.#options;
    return {
      observer: this.#parts.observer,
      lifecycle: this.#parts.lifecycle,
      turns: this.#turns,
      connectTimeout: upstream?.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
      headersTimeout: upstream?.headersTimeout ?? 0,
      idleTimeout: tunnel?.idleTimeout ?? 0,
    };
  }

  #register(sniffer: ProtocolSniffer, http2: ClientSessions): void {
    const { lifecycle } = this.#parts;
    const { server } = this;
    lifecycle.addClientPart({ drain: () => sniffer.close(), cut: () => sniffer.close() });
    lifecycle.addClientPart({
      // The owner of its sockets closes them, and idle connections with them.
      drain() {},
      cut: () => server.closeAllConnections(),
      callEnded: () => setImmediate(() => server.closeIdleConnections()),
    });
    lifecycle.addClientPart({ drain: () => http2.drain(), cut: () => http2.destroy() });
    for (const streams of [this.#stalled, this.#lateUploads])
      lifecycle.addDestinationPart({ drain: () => streams.stop(), cut: () => streams.stop() });
    for (const pools of [this.#pools, this.#sessionPools])
      lifecycle.addDestinationPart({ drain: () => pools.close(), cut: () => pools.destroy() });
  }
}
