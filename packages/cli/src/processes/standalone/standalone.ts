import { existsSync } from "node:fs";
import { join } from "node:path";
import { createEdgeReporter } from "@fenceline/als";
import { type Config, durationMs, fenceRef, formatAddress } from "@fenceline/api";
import { Collector, fenceRoutes } from "@fenceline/collector";
import { localTokenGuard, probeRoutes, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { AddressTable, createGlobalSidecar, createRegistryResolver } from "@fenceline/proxy";
import { DirectoryStore } from "@fenceline/store";
import { openFilesLimit } from "@fenceline/wire/open-files";
import type { Logger } from "pino";
import { Counter, Registry as MetricsRegistry } from "prom-client";
import { buildInfo } from "../../build-info.ts";
import { callsRoute } from "../../calls-route.ts";
import { Demo, forgetDemo, removeDemo } from "../../demo/demo.ts";
import { DEMO_FILE } from "../../demo/demo-mesh.ts";
import { callAddress, holdPorts } from "../../listen.ts";
import { reporterMetrics } from "../../reporter-metrics.ts";
import { makeApiToken } from "./api-token.ts";
import { takeFolder } from "./folder-in-use.ts";
import { makeFolder, prepareFolder, startFailure } from "./prepare-folder.ts";
import { sharedToken } from "./shared-token.ts";

/** Settings of a standalone run. */
export interface StandaloneOptions {
  /** Folder of manifests, state and rendered objects. */
  readonly folder: string;
  /** IP address that everything listens on. */
  readonly host: string;
  /** Ports; 0 takes a free one. */
  readonly proxyPort: number;
  readonly alsPort: number;
  readonly apiPort: number;
  /** Names that the API may be called by, beside those that the collector's Service would have. */
  readonly apiHost?: readonly string[];
  readonly demo: boolean;
  readonly config: Config;
  readonly logger: Logger;
}

/** A running standalone Fenceline. */
export interface Standalone {
  readonly proxyPort: number;
  readonly alsPort: number;
  readonly apiPort: number;
  /** Lets requests in flight finish, writes what was learned, and stops. */
  close(): Promise<void>;
}

type Closer = () => Promise<unknown>;

/**
 * Milliseconds that requests in flight are given at the end. Everything must be over within 5 s of
 * a SIGTERM.
 */
const DRAIN_MS = 3_000;

/**
 * Runs the global sidecar, the collector and the demo in one process, over a folder in place of a
 * cluster.
 *
 * @throws {FencelineError} when a manifest is not valid, the folder cannot be written or a port is
 * taken; what was started is stopped again
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const closers: Closer[] = [];
  const undo: Closer[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await start(options, closers, undo)), close };
  } catch (error) {
    for (const each of undo) await each();
    await close();
    throw startFailure(error, options.folder);
  }
}

/**
 * @param undo takes back what only a failed start has to take back, while the folder is still held
 */
async function start(options: StandaloneOptions, closers: Closer[], undo: Closer[]): Promise<Omit<Standalone, "close">> {
  const { folder, host, logger } = options;
  // There is no mTLS here, and so nobody has a certificate.
  const config = { ...options.config, telemetry: { ...options.config.telemetry, acceptPlaintext: true } };
  await makeFolder(folder);
  closers.push(await takeFolder(folder));
  const [proxyPort, alsPort, apiPort] = await holdPorts(host, [
    { flag: "--proxy-port", port: options.proxyPort },
    { flag: "--als-port", port: options.alsPort },
    { flag: "--api-port", port: options.apiPort },
  ]);
  if (proxyPort === undefined || alsPort === undefined || apiPort === undefined) throw new TypeError("each port that is asked for is held");
  closers.push(() => Promise.all([proxyPort, alsPort, apiPort].map((held) => held.release())));
  await prepareFolder(folder);
  // A start that is refused leaves the folder as it was.
  if (options.demo && !existsSync(join(folder, DEMO_FILE))) undo.push(() => removeDemo(folder));
  const demo = options.demo ? await Demo.prepare(folder) : undefined;
  if (demo === undefined) await forgetDemo(folder);
  else closers.push(() => demo.stop());

  const metrics = new MetricsRegistry();
  const manifestsRefused = new Counter({
    name: "fenceline_manifests_refused_total",
    help: "Changed manifest files that were not valid.",
    registers: [metrics],
  });
  const store = await DirectoryStore.open({
    folder,
    keepDeleted: durationMs(config.ageing.keepDeleted),
    onRestored: (file) => logger.warn({ file }, "rendered file changed by somebody else, written again"),
    onRefused: ({ code, at, message }, kept) => {
      manifestsRefused.inc();
      logger.error({ code, at, detail: message }, kept ? "manifest rejected; keeping the previous version" : "manifest rejected");
    },
    onTaken: (file, objects) => logger.info({ file, objects }, "manifest read"),
    onIgnored: (file, reason, count) => logger.info({ file, reason, count }, "left alone"),
    onTrouble: ({ code, at, message }) => logger.warn({ code, at, detail: message }, "partly unreadable, the rest counts"),
  });
  closers.push(() => store.close());

  const fallback = sharedToken();
  const collector = await Collector.start({
    store,
    config,
    logger: logger.child({ part: "collector" }),
    accessLogs: { host, port: alsPort.port, bound: alsPort.handOver },
    fallbackToken: fallback.matches,
  });
  closers.push(() => collector.close());
  const registries = [buildInfo(), metrics, collector.metrics];
  let longLivedCalls: () => readonly object[] = () => [];
  const token = await makeApiToken(folder);
  closers.push(() => token.remove());
  const api = await serveHttpApi({
    host,
    port: apiPort.port,
    bound: apiPort.handOver(),
    guard: localTokenGuard(token),
    routes: [
      ...fenceRoutes(() => collector.reader),
      callsRoute(() => longLivedCalls()),
      ...probeRoutes({ metrics: () => registries, notReady: () => collector.notReady() }),
    ],
    names: [...serviceNames(`${config.collector.service}.${config.namespace}.svc.${config.clusterDomain}`), ...(options.apiHost ?? [])],
  });
  closers.push(() => api.close());

  const target = formatAddress(callAddress(host), collector.accessLogPort);
  const reporter = createEdgeReporter({ target, nodeId: "global-sidecar~standalone", token: () => fallback.token });
  closers.push(() => reporter.close());
  const registry = () => collector.mesh.registry;
  const mesh = new AddressTable();
  mesh.apply({ reset: true, complete: true, addresses: [...collector.addresses.addresses()], removed: [] });
  collector.addresses.onChange((changed) => {
    const known = [...changed].map((address) => collector.addresses.get(address) ?? address);
    const addresses = known.filter((each) => typeof each !== "string");
    mesh.apply({ reset: false, complete: false, addresses, removed: known.filter((each) => typeof each === "string") });
  });
  const proxy = await createGlobalSidecar({
    host,
    port: proxyPort.port,
    bound: proxyPort.handOver(),
    resolver: createRegistryResolver(registry),
    reporter,
    logger: logger.child({ part: "proxy" }),
    clusterDomain: config.clusterDomain,
    // The folder is the operator's own word on where services are, and a demo's are on this
    // machine.
    allowLoopback: true,
    servesPodNames: true,
    // A connection takes two files, and access logs, the API and the folder need theirs.
    load: { maxConnections: Math.min(10_000, Math.floor(openFilesLimit() / 4)) },
    acceptPlaintext: config.telemetry.acceptPlaintext,
    mesh,
    ownNamespace: config.namespace,
    ownNames: [collector.mesh.fallbackHost],
    ownPorts: [collector.accessLogPort, api.port],
  });
  longLivedCalls = () => proxy.longLivedCalls();
  closers.push(() => proxy.close({ deadline: DRAIN_MS }));
  registries.push(proxy.metrics, reporterMetrics({ stats: () => reporter.stats() }));

  const ports = { proxyPort: proxy.address.port, alsPort: collector.accessLogPort, apiPort: api.port };
  demo?.start({
    host: callAddress(host),
    fallbackPort: ports.proxyPort,
    accessLogPort: ports.alsPort,
    registry,
    rendered: (fence) => store.ownedBy(fenceRef(fence)),
    logger: logger.child({ part: "demo" }),
  });
  if (demo !== undefined) closers.push(() => demo.stopCalling());
  return ports;
}
