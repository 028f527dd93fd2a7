import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { createEdgeReporter, type EdgeReporter } from "@fenceline/als";
import { DEFAULT_TRUST_DOMAIN } from "@fenceline/api/vocabulary";
import { loopbackGuard, probeRoutes, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { watchMeshAddresses } from "@fenceline/mesh-addresses";
import { AddressTable, WorkerPool } from "@fenceline/proxy/worker-pool";
import type { Logger } from "pino";
import { buildInfo } from "../../build-info.ts";
import { callsRoute } from "../../calls-route.ts";
import { addressesIn } from "../../flags.ts";
import { listenAddress } from "../../listen.ts";
import { createLogger, type LogFormat, resolveFormat } from "../../logger.ts";
import { reporterMetrics } from "../../reporter-metrics.ts";
import { untilSignalled } from "../../signals.ts";
import { collectorToken } from "./collector-token.ts";
import { meshMetrics } from "./mesh-metrics.ts";
import type { WorkerSettings } from "./worker.ts";

/** The parsed flags of the command. */
export interface GlobalSidecarFlags {
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly collector: string;
  readonly collectorTokenFile?: string;
  readonly clusterDomain: string;
  readonly namespace: string;
  readonly ownName: string[];
  readonly apiHost: readonly string[];
  readonly ownAddress: string[];
  readonly external: "forward" | "refuse";
  readonly externalAllow: string[];
  readonly externalDeny: string[];
  readonly dnsServer: string[];
  readonly drainDelay: number;
  readonly drain: number;
  readonly trustForwardedClientCert: boolean;
  readonly trustDomain: string[];
  readonly acceptPlaintext: boolean;
  readonly workers: number;
  readonly maxTurn: number;
  readonly maxRequests: number;
  readonly maxConnections: number;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

const WORKER = new URL("./worker.ts", import.meta.url);

/** Runs the global sidecar until it gets a signal. */
export async function run(flags: GlobalSidecarFlags): Promise<void> {
  const podAddresses = addressesIn("POD_IPS", process.env.POD_IPS);
  const stop = untilSignalled();
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const host = await listenAddress(flags.host, [
    { flag: "--port", port: flags.port },
    { flag: "--admin-port", port: flags.adminPort },
  ]);
  const token = collectorToken(flags.collectorTokenFile);
  // The collector sends the mesh's addresses only to the global sidecar, which it identifies by a
  // token.
  const mesh = token === undefined ? undefined : new AddressTable();
  let proxy: WorkerPool | undefined;
  let isStopping = false;
  let registries: readonly { metrics(): Promise<string> }[] = [];
  // Probes and metrics must not share the proxy's listener, or its limits. They start first,
  // because the proxy must not forward to their port.
  const admin = await serveHttpApi({
    host,
    port: flags.adminPort,
    names: [...flags.ownName.flatMap(serviceNames), ...flags.apiHost],
    guard: loopbackGuard(),
    routes: [
      callsRoute(() => proxy?.longLivedCalls() ?? []),
      ...probeRoutes({ metrics: () => registries, notReady: () => (isStopping ? "stopping" : notReadyReason(proxy, mesh)) }),
    ],
  });
  const reporter = startReporter(flags, token, logger);
  const ownAddresses = [...podAddresses, ...flags.ownAddress, ...(await addressesOf([...flags.ownName, hostIn(flags.collector)]))];
  const pool = await WorkerPool.start({
    module: WORKER,
    settings: settingsOf(flags, { ownAddresses, ownPorts: [admin.port] }),
    workers: flags.workers,
    host,
    port: flags.port,
    reporter,
    logger,
    ...(mesh !== undefined && { mesh }),
  }).catch(async (error) => {
    await Promise.all([admin.close(), reporter.close(0)]);
    throw error;
  });
  proxy = pool;
  const watch = token === undefined ? undefined : watchMesh(flags, token, pool, logger);
  registries = [buildInfo(), pool.metrics, reporterMetrics({ stats: () => statsOf(reporter, pool) })];
  if (mesh !== undefined && watch !== undefined) registries = [...registries, meshMetrics({ table: mesh, ...watch })];
  logger.info(
    { port: pool.port, adminPort: admin.port, workers: flags.workers, collector: flags.collector, believed: believed(flags) },
    "global sidecar is up",
  );

  await drain(await stop, flags, logger, () => {
    isStopping = true;
  });
  await pool.close({ deadline: flags.drain });
  watch?.close();
  await reporter.close();
  await admin.close();
  logger.info("stopped");
}

/** Reports edges to the collector, and logs when the collector is connected or lost. */
function startReporter({ collector }: GlobalSidecarFlags, token: (() => string) | undefined, logger: Logger): EdgeReporter {
  return createEdgeReporter({
    target: collector,
    ...(token !== undefined && { token }),
    nodeId: `global-sidecar~${hostname()}`,
    onEvent: ({ type, ...rest }) => {
      if (type === "connected") logger.info(rest, "collector connected");
      else logger.warn(rest, "collector disconnected");
    },
  });
}

/** The reporter's counts, including reports that the workers could not pass to it. */
function statsOf(reporter: EdgeReporter, { droppedReports }: WorkerPool): ReturnType<EdgeReporter["stats"]> {
  const counted = reporter.stats();
  return { ...counted, dropped: counted.dropped + droppedReports };
}

/** Which callers are trusted, in the words of the log. */
function believed({
  trustForwardedClientCert,
  acceptPlaintext,
}: GlobalSidecarFlags): "certified" | "all" | "certified or plaintext" | "nobody" {
  if (acceptPlaintext) return trustForwardedClientCert ? "certified or plaintext" : "all";
  return trustForwardedClientCert ? "certified" : "nobody";
}

function notReadyReason(pool: WorkerPool | undefined, mesh: AddressTable | undefined): string | undefined {
  if (pool?.isReady !== true) return "no worker takes requests";
  // Until this pod has the addresses, Kubernetes keeps the pods that have them.
  return mesh?.isComplete === false ? "the collector has not sent the mesh's addresses yet" : undefined;
}

/**
 * Keeps the workers' addresses of the mesh up to date. The last ones stay in force while the
 * collector is away.
 */
function watchMesh({ collector }: GlobalSidecarFlags, token: () => string, pool: WorkerPool, logger: Logger) {
  let isConnected = false;
  let lostAt = performance.now();
  const watch = watchMeshAddresses({
    target: collector,
    token,
    onUpdate: (update) => {
      isConnected = true;
      pool.takeAddresses(update);
    },
    onLost: (reason, retryInMs) => {
      if (isConnected) lostAt = performance.now();
      isConnected = false;
      logger.info({ reason, retryInMs: Math.round(retryInMs) }, "the collector sends no addresses of the mesh");
    },
  });
  const age = () => (isConnected ? 0 : (performance.now() - lostAt) / 1_000);
  return { isConnected: () => isConnected, age, close: () => watch.close() };
}

/**
 * An endpoint is removed some time after its readiness fails. Requests until then must not be
 * refused.
 */
async function drain(signal: NodeJS.Signals, { drainDelay }: GlobalSidecarFlags, logger: Logger, failReadiness: () => void): Promise<void> {
  failReadiness();
  logger.info({ signal, drainDelayMs: drainDelay }, "stopping");
  await wait(drainDelay);
}

/**
 * Longest wait for the addresses of our own Services, in milliseconds. Without them, the mesh's
 * table has them a moment later.
 */
const OWN_LOOK_UP = 2_000;

/**
 * The addresses of our own Services that DNS knows now: ClusterIPs, which do not change while a
 * Service exists.
 */
async function addressesOf(hosts: readonly string[]): Promise<string[]> {
  const found = Promise.all(hosts.map((host) => lookup(host, { all: true }).catch(() => [])));
  const addresses = await Promise.race([found, wait(OWN_LOOK_UP, [], { ref: false })]);
  // A loopback address means that services are on the same machine: in a test, or in Docker.
  return addresses.flat().flatMap(({ address }) => (address.startsWith("127.") || address === "::1" ? [] : address));
}

/** The host of `host:port`. */
function hostIn(target: string): string {
  return target.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function settingsOf({ logFormat, ...flags }: GlobalSidecarFlags, own: Pick<WorkerSettings, "ownAddresses" | "ownPorts">): WorkerSettings {
  const { clusterDomain, external, externalAllow, externalDeny, namespace, ownName, dnsServer } = flags;
  const { trustForwardedClientCert, trustDomain, acceptPlaintext, maxTurn, maxRequests, maxConnections, logLevel } = flags;
  return {
    ...own,
    clusterDomain,
    dnsServers: dnsServer.length > 0 ? dnsServer : undefined,
    externalHosts: external,
    externalAllow,
    externalDeny,
    ownNamespace: namespace,
    ownNames: ownName,
    trustForwardedClientCert,
    trustDomains: trustDomain.length > 0 ? trustDomain : [DEFAULT_TRUST_DOMAIN],
    acceptPlaintext,
    load: { maxTurn, maxRequests, maxConnections },
    // A thread cannot see whether standard output is a terminal.
    logFormat: resolveFormat(logFormat),
    logLevel,
  };
}
