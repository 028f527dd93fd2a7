import type { Server } from "node:http";
import type { Server as NetServer } from "node:net";
import { DEFAULT_TRUST_DOMAIN, listenFailed } from "@fenceline/api/vocabulary";
import type { Logger } from "pino";
import type { Registry as MetricsRegistry } from "prom-client";
import { Lifecycle } from "./calls/lifecycle.ts";
import { createAddressCheck } from "./destination/address-policy.ts";
import type { ServingPolicy } from "./destination/authorize.ts";
import { rememberCertified, uncertified } from "./destination/client-certificate.ts";
import { ExternalPolicy } from "./destination/external-policy.ts";
import type { MeshView } from "./destination/judge-address.ts";
import { ownAddressCheck } from "./destination/own-addresses.ts";
import type { EdgeSink } from "./destination/reported-edge.ts";
import { createRouter } from "./destination/route.ts";
import { createJudge } from "./destination/verdicts.ts";
import { CONNECTION_OPTIONS } from "./http1/server.ts";
import { ProtocolServers, type ServerOptions } from "./listener/protocol-servers.ts";
import { Admission, type LoadLimits, MAX_REQUESTS } from "./load/admission.ts";
import { CallerShares } from "./load/caller-shares.ts";
import { ConnectionLimit } from "./load/connection-limit.ts";
import { HeldMemory } from "./load/held-memory.ts";
import { ListeningSockets, SOCKETS } from "./load/listening-sockets.ts";
import { createConnectionPipeline, createPipeline, type PipelineParts } from "./pipeline.ts";
import { CallsInFlight, type LongLivedCall, MAX_LISTED_CALLS } from "./report/calls-in-flight.ts";
import { DecisionLog } from "./report/decision-log.ts";
import { EdgeReports } from "./report/edge-reports.ts";
import { FailureLog } from "./report/failure-log.ts";
import { createMetrics, ProxyCounters, registerSizes } from "./report/metrics.ts";
import { createObserver, observeListener } from "./report/observe-calls.ts";
import type { Resolver } from "./resolve/resolver.ts";

export interface GlobalSidecarOptions extends ServerOptions {
  /** Address to listen on. Default `0.0.0.0`. */
  readonly host?: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /**
   * A server that listens on the port already: its socket is taken over. Not together with
   * {@link sharing}, whose sockets have to be bound differently. Default: the port is bound.
   */
  readonly bound?: NetServer;
  /**
   * Number of event loops of this process that listen on the same address and port, including this
   * one. Each opens its own sockets (SO_REUSEPORT, Linux), and the kernel distributes new
   * connections by a hash of their addresses. With such sockets no error tells that another process
   * has the port already. Default: only this one, with an ordinary socket, which fails if the port
   * is taken.
   */
  readonly sharing?: number;
  /** Resolves hosts: by cluster DNS, or by the directory store. */
  readonly resolver: Resolver;
  /** Where edges go. */
  readonly reporter: EdgeSink;
  readonly logger: Logger;
  /** DNS domain of the cluster. Default `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * Whether endpoints may be loopback addresses. Only for a resolver whose endpoints the operator
   * has written. Default false.
   */
  readonly allowLoopback?: boolean;
  /**
   * Whether `<pod>.<service>.<namespace>` is served. Only for a resolver that knows the pods.
   * Default false.
   */
  readonly servesPodNames?: boolean;
  /**
   * Whether calls to hosts that are not services of the cluster are forwarded, as by Istio's
   * passthrough. Default `refuse`.
   */
  readonly externalHosts?: "forward" | "refuse";
  /**
   * Hosts (`partner.example`, `*.partner.example`) and CIDRs that are forwarded although
   * {@link externalHosts} is `refuse`. Default none.
   */
  readonly externalAllow?: readonly string[];
  /** Hosts and CIDRs outside of the mesh that are refused in any case. Default none. */
  readonly externalDeny?: readonly string[];
  /** Fenceline's namespace: never forwarded to, whatever the Service. Default none. */
  readonly ownNamespace?: string;
  /** Fully qualified names of our own Services; never forwarded to. */
  readonly ownNames?: readonly string[];
  /**
   * Addresses of our own Services and pods; never forwarded to. Addresses of this machine are added
   * by themselves.
   */
  readonly ownAddresses?: readonly string[];
  /**
   * Further ports on which this process listens, on any address: never forwarded to. Default none.
   */
  readonly ownPorts?: readonly number[];
  /**
   * The addresses of the mesh. Default: they are not known, and every address that the resolver
   * finds for a service is accepted.
   */
  readonly mesh?: MeshView;
  /**
   * Whether an Envoy in front of us writes the last element of `x-forwarded-client-cert`, so that
   * nobody else can. Then an edge is reported only if the certificate's namespace is the claimed
   * one. Default false: the header is ignored, so no caller has a certificate.
   */
  readonly trustForwardedClientCert?: boolean;
  /** Trust domains of the mesh: SPIFFE ids of others are ignored. Default `cluster.local`. */
  readonly trustDomains?: readonly string[];
  /**
   * Whether callers without a certificate are trusted: their edges are reported, and their calls
   * out of the mesh are forwarded. Default false.
   */
  readonly acceptPlaintext?: boolean;
  /**
   * Milliseconds in flight after which a call is long-lived. Default 30000: by then calls of its
   * edge are direct, so only older ones are still here.
   */
  readonly longLivedAfter?: number;
  readonly load?: LoadLimits;
}

export interface GlobalSidecar {
  readonly address: { readonly host: string; readonly port: number };
  readonly metrics: MetricsRegistry;
  /** The oldest calls that have been in flight for longer than `longLivedAfter`, at most 100. */
  longLivedCalls(): readonly LongLivedCall[];
  /**
   * Stops accepting, asks clients to disconnect by `Connection: close` or GOAWAY, waits for
   * requests in flight, then closes every connection.
   *
   * @param options.deadline milliseconds after which the rest is closed. Default 10000. Only that
   * of the first call counts
   */
  close(options?: { readonly deadline?: number }): Promise<void>;
}

/** Interval in which the ages of calls in flight are noted, in milliseconds. */
const AGEING_INTERVAL = 1_000;

/**
 * Starts a global sidecar.
 *
 * @throws {FencelineError} `LISTEN_FAILED` with address and port; `EXTERNAL_INVALID` when an entry
 * of `externalAllow` or `externalDeny` is neither a host nor a CIDR
 */
export async function createGlobalSidecar(options: GlobalSidecarOptions): Promise<GlobalSidecar> {
  const { host = "0.0.0.0", port, sharing, load: limits } = options;
  const lifecycle = new Lifecycle();
  const listening = { port };
  const policy = policyOf(options, listening);
  const calls = new CallsInFlight(options.longLivedAfter);
  const counters = new ProxyCounters();
  const router = createRouter(policy);
  const metrics = createMetrics(counters, calls);
  const connections = new ConnectionLimit(metrics, { maxConnections: limits?.maxConnections ?? 10_000, sharing: sharing ?? 1 });
  const admission = new Admission({ calls, connections, sockets: socketsFor(sharing) }, metrics, limits);
  const { admit: share } = new CallerShares(calls, limits?.maxRequests ?? MAX_REQUESTS);
  const log = new FailureLog(options.logger);
  const servers = createServers(options, policy, lifecycle, log, { router, calls, counters, admit: admission.admit, share });
  const { server } = servers;
  const held = new HeldMemory(calls, servers.unfinished, limits?.maxHeldBytes ?? 64 * 1024 * 1024);
  registerSizes(
    metrics,
    { routes: () => router.size, connection_pools: () => servers.pools },
    { in_flight: () => held.bytes, kept_for_repeat: () => servers.keptForRepeats },
  );
  connections.guard(server, () => servers.closeSilent());
  const ageing = setInterval(() => calls.age(performance.now()), AGEING_INTERVAL).unref();
  const stopWatching = () => {
    clearInterval(ageing);
    admission.stop();
    held.stop();
    log.close();
  };
  const onError = connections.outOfFiles;
  const shared = { sockets: socketsFor(sharing), connection: CONNECTION_OPTIONS, onError };
  const sockets = new ListeningSockets(server, { host, port, bound: options.bound, ...shared });
  await sockets.listen().catch((error) => {
    stopWatching();
    lifecycle.cut();
    throw listenFailed(host, port, error);
  });
  lifecycle.addClientPart({ drain: () => sockets.close(), cut() {} });
  listening.port = portOf(server);

  return {
    address: { host, port: listening.port },
    longLivedCalls: () => calls.list(performance.now(), MAX_LISTED_CALLS),
    metrics,
    close: ({ deadline = 10_000 } = {}) => lifecycle.drain(deadline).then(stopWatching),
  };
}

/** Creates the steps, the metrics and logs, and the servers of all protocols. */
function createServers(
  options: GlobalSidecarOptions,
  policy: ServingPolicy,
  lifecycle: Lifecycle,
  log: FailureLog,
  shared: Pick<PipelineParts, "router" | "calls" | "counters" | "admit" | "share">,
): ProtocolServers {
  const { resolver, mesh, trustForwardedClientCert = false } = options;
  const { calls, counters } = shared;
  const reports = new EdgeReports(options.reporter);
  const decisions = DecisionLog.of(options.logger);
  const { trustDomains = [DEFAULT_TRUST_DOMAIN], acceptPlaintext = false } = options;
  const certified = trustForwardedClientCert
    ? rememberCertified({ trustDomains, acceptPlaintext })
    : () => uncertified({ acceptPlaintext });
  const judge = createJudge(policy.checkAddress, policy, mesh);
  const excludes = mesh && ((fence: string, account: string) => mesh.excludes(fence, account));
  const parts: PipelineParts = { ...shared, resolver, judge, reports, certified, excludes, decisions };
  return new ProtocolServers(
    {
      pipeline: createPipeline(parts),
      connectionPipeline: createConnectionPipeline(parts),
      observer: createObserver({ counters, calls, reports, log, decisions, lifecycle }),
      listener: observeListener(counters, log),
      lifecycle,
    },
    options,
  );
}

/** @param listening the proxy's own port, known once it listens */
function policyOf(options: GlobalSidecarOptions, listening: { readonly port: number }): ServingPolicy {
  const { clusterDomain = "cluster.local", allowLoopback = false, ownNames, ownNamespace, ownAddresses = [], ownPorts = [] } = options;
  const { externalHosts = "refuse", externalAllow, externalDeny, servesPodNames = false } = options;
  const isOurs = ownAddressCheck({ addresses: ownAddresses, ports: () => [listening.port, ...ownPorts], sharesMachine: allowLoopback });
  return {
    clusterDomain,
    allowLoopback,
    ownNames: new Set(ownNames),
    ownNamespace,
    external: new ExternalPolicy({ mode: externalHosts, allow: externalAllow, deny: externalDeny }),
    checkAddress: createAddressCheck(allowLoopback, isOurs),
    servesPodNames,
  };
}

/** Several sockets can listen on one port only where others may do so too. */
function socketsFor(sharing: number | undefined): number {
  return sharing === undefined ? 1 : SOCKETS;
}

function portOf(server: Server): number {
  const address = server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}
