import type { Server } from "node:http";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import type { Logger } from "pino";
import type { Registry as MetricsRegistry } from "prom-client";
import { createAddressCheck } from "./destination/address-policy.ts";
import { createRouter } from "./destination/route.ts";
import { type Http1Context, Http1Exchange } from "./forward/http1-exchange.ts";
import { ClientSessions } from "./http2/client-sessions.ts";
import { Http2Exchange } from "./http2/http2-exchange.ts";
import type { Http2Options } from "./http2/http2-options.ts";
import { readHttp2Request } from "./http2/received-request.ts";
import { SessionPools } from "./http2/session-pools.ts";
import { StalledStreams } from "./http2/stalled-streams.ts";
import { ProtocolSniffer } from "./listener/sniff-protocol.ts";
import {
  CONNECTION_OPTIONS,
  createListener,
  DEFAULT_HEADERS_TIMEOUT,
  DEFAULT_KEEP_ALIVE_TIMEOUT,
  type ListenerOptions,
} from "./listener.ts";
import { Admission, type LoadLimits } from "./load/admission.ts";
import { limitConnections } from "./load/connection-limit.ts";
import { ListeningSockets, SOCKETS } from "./load/listening-sockets.ts";
import { createConnectionPipeline, createPipeline, type PipelineParts } from "./pipeline.ts";
import { CallsInFlight, type LongLivedCall, MAX_LISTED_CALLS } from "./report/calls-in-flight.ts";
import { rememberCertifiedNamespaces } from "./report/client-certificate.ts";
import { type EdgeReporter, EdgeReports } from "./report/edge-reports.ts";
import { FailureLog } from "./report/failure-log.ts";
import { createMetrics, ProxyCounters } from "./report/metrics.ts";
import { createObserver, observeListenerRefusal } from "./report/observe-calls.ts";
import type { Address, Resolver } from "./resolve/resolver.ts";
import { OpenTunnels } from "./tunnel/open-tunnels.ts";
import { createTlsPassThrough } from "./tunnel/tls-call.ts";
import type { TunnelContext, TunnelOptions } from "./tunnel/tunnel-context.ts";
import { UpgradeCall } from "./tunnel/upgrade-call.ts";
import { DEFAULT_CONNECT_TIMEOUT, type UpstreamOptions, UpstreamPools } from "./upstream/pools.ts";

export interface GlobalSidecarOptions {
  /** Address to listen on. Default `0.0.0.0`. */
  readonly host?: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /**
   * Event loops of this process, this one included, that listen on the same address and port. Each opens sockets of its own (SO_REUSEPORT, Linux), and
   * the kernel deals new connections out by a hash of their addresses. Such sockets are not told of each other: nobody learns that another process has
   * the port already. Default: only this one, by an ordinary socket that is refused a port which is taken.
   */
  readonly sharing?: number;
  /** What exists: by cluster DNS or by the directory store. */
  readonly resolver: Resolver;
  /** Where edges go. */
  readonly reporter: EdgeReporter;
  readonly logger: Logger;
  /** DNS domain of the cluster. Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Whether endpoints may be loopback addresses: only with a resolver whose endpoints the operator wrote. Default false. */
  readonly allowLoopback?: boolean;
  /** Whether hosts that are no service of the cluster are forwarded, as Istio's passthrough would. Default `refuse`. */
  readonly externalHosts?: "forward" | "refuse";
  /** Fully qualified names of our own Services; never forwarded to. */
  readonly ownNames?: readonly string[];
  /** ClusterIPs of our own Services; never forwarded to. Addresses of this machine are known without. */
  readonly ownAddresses?: readonly string[];
  /**
   * Whether `x-forwarded-client-cert` was written by an Envoy in front of us, which lets nobody else write its last element.
   * If so, an edge is reported only when the certificate's namespace is the claimed one. Default false.
   */
  readonly trustForwardedClientCert?: boolean;
  /** Milliseconds in flight that make a call a long-lived one. Default 30000: its edge goes direct long since, so only what began before still comes here. */
  readonly longLivedAfter?: number;
  readonly listener?: ListenerOptions;
  readonly load?: LoadLimits;
  readonly upstream?: UpstreamOptions;
  readonly tunnel?: TunnelOptions;
  readonly http2?: Http2Options;
}

export interface GlobalSidecar {
  readonly address: { readonly host: string; readonly port: number };
  readonly metrics: MetricsRegistry;
  /** Takes over a connection that begins with a TLS ClientHello, and passes it on by the server name. */
  readonly passTls: (socket: Socket) => void;
  /** The oldest calls that have been in flight for longer than `longLivedAfter`, at most 100. */
  longLivedCalls(): readonly LongLivedCall[];
  /**
   * Stops accepting, tells clients to close with `Connection: close` or GOAWAY, waits for requests in flight, then closes every connection.
   *
   * @param options.deadline milliseconds after which what is left is cut. Default 10000. Only the first call's counts.
   */
  close(options?: { readonly deadline?: number }): Promise<void>;
}

/** How often the ages of calls in flight are noted, in milliseconds. */
const AGEING_INTERVAL = 1_000;

/** Starts a global sidecar. Rejects when the port cannot be listened on. */
export async function createGlobalSidecar(options: GlobalSidecarOptions): Promise<GlobalSidecar> {
  const { host = "0.0.0.0", port, sharing, resolver, logger, clusterDomain = "cluster.local", allowLoopback = false } = options;
  const { headersTimeout = DEFAULT_HEADERS_TIMEOUT, keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT } = options.listener ?? {};
  const counters = new ProxyCounters();
  const calls = new CallsInFlight(options.longLivedAfter);
  const reports = new EdgeReports(options.reporter);
  const pools = new UpstreamPools(options.upstream);
  const http2Pools = new SessionPools(options.upstream, options.http2);
  let draining = false;
  const log = new FailureLog(logger);
  // A connection whose answer had no `Connection: close` any more turns idle after server.close() has closed the idle ones.
  const onClosed = () => {
    if (draining) setImmediate(() => server.closeIdleConnections());
  };
  const router = createRouter({
    clusterDomain,
    allowLoopback,
    ownNames: new Set(options.ownNames),
    externalHosts: options.externalHosts ?? "refuse",
  });
  const metrics = createMetrics(counters, { routes: () => router.size, connection_pools: () => pools.size + http2Pools.size }, calls);
  const load = { inFlight: () => calls.size, accepted: () => connections.accepted, sockets: socketsFor(sharing) };
  const admission = new Admission(load, metrics, options.load);
  const parts: PipelineParts = {
    admit: admission.admit,
    router,
    resolver,
    reports,
    counters,
    calls,
    certifiedNamespace: options.trustForwardedClientCert === true ? rememberCertifiedNamespaces() : undefined,
  };
  const pipeline = createPipeline(parts);
  const context: Http1Context = {
    pools,
    observer: createObserver({ counters, calls, reports, log, draining: () => draining, onClosed }),
    draining: () => draining,
    checkAddress: createAddressCheck(
      allowLoopback,
      selfCheck(options.ownAddresses ?? [], () => listeningPort(server)),
    ),
  };

  const tunnels: TunnelContext = {
    checkAddress: context.checkAddress,
    observer: context.observer,
    open: new OpenTunnels(),
    connectTimeout: options.upstream?.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT,
    headersTimeout: options.upstream?.headersTimeout ?? 0,
    idleTimeout: options.tunnel?.idleTimeout ?? 0,
  };

  const refused = observeListenerRefusal(counters, log);
  const passTls = createTlsPassThrough({
    ...tunnels,
    pipeline: createConnectionPipeline(parts),
    refused,
    helloTimeout: headersTimeout,
    port: options.tunnel?.tlsPort ?? 443,
  });

  const server = createListener(
    {
      request(request, response, awaitsContinue) {
        new Http1Exchange(context, request, response, awaitsContinue).run(pipeline);
      },
      upgrade(request, head) {
        new UpgradeCall(tunnels, request, request.socket, head).run(pipeline);
      },
      refused,
    },
    options.listener,
  );
  const stalled = new StalledStreams(options.http2?.stallTimeout ?? 300_000);
  const http2Context = { ...context, pools: http2Pools, stalled };
  const http2 = new ClientSessions(
    (stream, fields, flags, rawFields, client) => {
      new Http2Exchange(http2Context, stream, readHttp2Request(fields, flags, rawFields), client).run(pipeline);
    },
    { ...options.http2, headersTimeout, keepAliveTimeout },
  );
  const tls = (socket: Socket) => {
    passTls(socket);
    socket.resume();
  };
  const sniffer = new ProtocolSniffer(server, { http2: (socket) => http2.accept(socket), tls }, headersTimeout);
  const maxConnections = options.load?.maxConnections ?? 10_000;
  const connections = limitConnections(server, metrics, { maxConnections, sharing: sharing ?? 1 });
  const sockets = new ListeningSockets(server, {
    host,
    port,
    sockets: socketsFor(sharing),
    connection: CONNECTION_OPTIONS,
    onError: connections.outOfFiles,
  });
  await sockets.listen().catch((error) => {
    admission.stop();
    throw error;
  });
  const ageing = setInterval(() => calls.age(performance.now()), AGEING_INTERVAL).unref();

  async function drain(deadline: number): Promise<void> {
    draining = true;
    const closed = sockets.close();
    sniffer.close();
    http2.drain();
    const force = setTimeout(() => {
      server.closeAllConnections();
      tunnels.open.cutAll();
      http2.destroy();
      pools.destroy();
      http2Pools.destroy();
    }, deadline);
    await closed;
    await tunnels.open.ended();
    stalled.stop();
    await Promise.all([pools.close(), http2Pools.close()]);
    clearInterval(ageing);
    clearTimeout(force);
    admission.stop();
  }

  let drained: Promise<void> | undefined;
  return {
    address: { host, port: listeningPort(server) },
    passTls,
    longLivedCalls: () => calls.list(performance.now(), MAX_LISTED_CALLS),
    metrics,
    close({ deadline = 10_000 } = {}) {
      drained ??= drain(deadline);
      return drained;
    },
  };
}

/** Several sockets can listen on one port only where others may do so too. */
function socketsFor(sharing: number | undefined): number {
  return sharing === undefined ? 1 : SOCKETS;
}

function listeningPort(server: Server): number {
  const address = server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}

/** Whether an address is ours: a ClusterIP of ours on any port, or the listening port on an address of this machine. */
function selfCheck(ownAddresses: readonly string[], port: () => number): (address: Address) => boolean {
  const clusterIPs = new Set(ownAddresses);
  const interfaces = new Set(Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address)));
  return ({ address, port: dialled }) => {
    if (clusterIPs.has(address)) return true;
    return dialled === port() && (interfaces.has(address) || address.startsWith("127."));
  };
}
