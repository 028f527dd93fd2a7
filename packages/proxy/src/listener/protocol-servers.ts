import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionPipeline, Pipeline } from "../calls/call.ts";
import type { CallObserver, ListenerObserver } from "../calls/observers.ts";
import { DEFAULT_CONNECT_TIMEOUT, type UpstreamOptions } from "../calls/upstream-options.ts";
import { type Http1Context, Http1Exchange } from "../http1/exchange.ts";
import { UpstreamPools } from "../http1/pools.ts";
import {
  createListener,
  DEFAULT_HEADERS_TIMEOUT,
  DEFAULT_KEEP_ALIVE_TIMEOUT,
  DEFAULT_MAX_HEADER_SIZE,
  type ListenerOptions,
} from "../http1/server.ts";
import { UnfinishedHeaders } from "../http1/unfinished-headers.ts";
import { type Http2Context, Http2Exchange } from "../http2/exchange.ts";
import type { Http2Options } from "../http2/options.ts";
import { SessionPools } from "../http2/pools.ts";
import { readHttp2Request } from "../http2/request.ts";
import { ClientSessions } from "../http2/server.ts";
import { StalledStreams } from "../http2/stalled-streams.ts";
import type { KeptBytes } from "../http2/upload.ts";
import { Turns } from "../resolve/turns.ts";
import { OpenHellos } from "../tunnel/open-hellos.ts";
import { OpenTunnels } from "../tunnel/open-tunnels.ts";
import { createTlsPassThrough } from "../tunnel/tls-exchange.ts";
import type { TunnelContext, TunnelOptions } from "../tunnel/tunnel-context.ts";
import { UpgradeCall } from "../tunnel/upgrade-exchange.ts";
import { ProtocolSniffer } from "./sniff-protocol.ts";

/** What every protocol's calls need. */
export interface FrontParts {
  readonly pipeline: Pipeline;
  readonly connectionPipeline: ConnectionPipeline;
  readonly observer: CallObserver;
  /** Hears of connections that never became a call. */
  readonly listener: ListenerObserver;
}

export interface FrontOptions {
  readonly listener?: ListenerOptions;
  readonly upstream?: UpstreamOptions;
  readonly http2?: Http2Options;
  readonly tunnel?: TunnelOptions;
}

/**
 * All protocols on one port: HTTP/1.1 with its upgrades, HTTP/2 and TLS, told apart by their first bytes, and the connections to destinations that
 * they forward by. Does not listen itself: connections come as `connection` events of {@link server}.
 */
export class Front {
  readonly server: Server;
  /** What clients have sent of requests that are not whole yet. */
  readonly unfinished: UnfinishedHeaders;
  readonly #pools: UpstreamPools;
  readonly #sessionPools: SessionPools;
  readonly #turns = new Turns();
  readonly #tunnels = new OpenTunnels();
  readonly #stalled: StalledStreams;
  readonly #kept: KeptBytes = { bytes: 0 };
  readonly #clientSessions: ClientSessions;
  readonly #sniffer: ProtocolSniffer;
  #draining = false;

  constructor(parts: FrontParts, options: FrontOptions) {
    this.#pools = new UpstreamPools(options.upstream);
    this.#sessionPools = new SessionPools(options.upstream, options.http2);
    this.#stalled = new StalledStreams(options.http2?.stallTimeout ?? 300_000);
    const { headersTimeout = DEFAULT_HEADERS_TIMEOUT, maxHeaderSize = DEFAULT_MAX_HEADER_SIZE } = options.listener ?? {};
    this.unfinished = new UnfinishedHeaders(maxHeaderSize);
    const tunnels = this.#tunnelContext(parts, options);
    this.server = this.#http1Server(parts, tunnels, options.listener);
    this.#clientSessions = this.#http2Server(parts, options);
    const port = options.tunnel?.tlsPort ?? 443;
    const { connectionPipeline: pipeline, listener } = parts;
    const passTls = createTlsPassThrough({ ...tunnels, pipeline, listener, helloTimeout: headersTimeout, port, hellos: new OpenHellos() });
    const tls = (socket: Socket) => {
      passTls(socket);
      socket.resume();
    };
    this.#sniffer = new ProtocolSniffer(this.server, { http2: (socket) => this.#clientSessions.accept(socket), tls }, headersTimeout);
  }

  /** Addresses that connections to destinations are kept for. */
  get pools(): number {
    return this.#pools.size + this.#sessionPools.size;
  }

  /** Bytes of HTTP/2 bodies that are kept for a repeat. */
  get keptForRepeats(): number {
    return this.#kept.bytes;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** A call is over. A connection whose answer had no `Connection: close` any more turns idle after the drain has closed the idle ones. */
  callClosed(): void {
    if (this.#draining) setImmediate(() => this.server.closeIdleConnections());
  }

  /** Tells clients to go and waits for what is in flight. @param stopped resolves when the sockets that listened have no connection left */
  async drain(stopped: Promise<void>): Promise<void> {
    this.#draining = true;
    this.#sniffer.close();
    this.#clientSessions.drain();
    await stopped;
    await this.#tunnels.ended();
    this.#stalled.stop();
    await Promise.all([this.#pools.close(), this.#sessionPools.close()]);
  }

  /** Cuts every connection. */
  destroy(): void {
    this.#sniffer.close();
    this.#stalled.stop();
    this.server.closeAllConnections();
    this.#tunnels.cutAll();
    this.#clientSessions.destroy();
    this.#pools.destroy();
    this.#sessionPools.destroy();
  }

  #http1Server({ pipeline, observer, listener }: FrontParts, tunnels: TunnelContext, options?: ListenerOptions): Server {
    const context: Http1Context = { observer, turns: this.#turns, pools: this.#pools, draining: () => this.#draining };
    return createListener(
      {
        request(request, response, awaitsContinue) {
          const exchange = new Http1Exchange(context, request, response, awaitsContinue);
          exchange.run(pipeline);
          return exchange;
        },
        upgrade(request, head) {
          new UpgradeCall(tunnels, request, request.socket, head).run(pipeline);
        },
        detached: (socket) => {
          const detached = { cut: () => socket.destroy() };
          this.#tunnels.add(detached);
          socket.once("close", () => this.#tunnels.delete(detached));
        },
        observer: listener,
        unfinished: this.unfinished,
      },
      options,
    );
  }

  #http2Server({ pipeline, observer }: FrontParts, { http2, listener = {} }: FrontOptions): ClientSessions {
    const { headersTimeout = DEFAULT_HEADERS_TIMEOUT, keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT } = listener;
    const context: Http2Context = { observer, turns: this.#turns, pools: this.#sessionPools, stalled: this.#stalled, kept: this.#kept };
    return new ClientSessions(
      (stream, fields, flags, rawFields, client) => {
        new Http2Exchange(context, stream, readHttp2Request(fields, flags, rawFields), client).run(pipeline);
      },
      { ...http2, headersTimeout, keepAliveTimeout },
    );
  }

  #tunnelContext({ observer }: FrontParts, { upstream, tunnel }: FrontOptions): TunnelContext {
    return {
      observer,
      turns: this.#turns,
      open: this.#tunnels,
      connectTimeout: upstream?.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
      headersTimeout: upstream?.headersTimeout ?? 0,
      idleTimeout: tunnel?.idleTimeout ?? 0,
    };
  }
}
