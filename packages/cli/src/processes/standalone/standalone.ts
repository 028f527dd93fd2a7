import { existsSync } from "node:fs";
import { join } from "node:path";
import { createEdgeReporter, type EdgeReporter } from "@fenceline/als";
import { type Config, durationMs, fenceRef, formatAddress } from "@fenceline/api";
import { Collector, exportRoute, fenceRoutes, reportRoutes, resetRoute } from "@fenceline/collector";
import { type HttpApi, localTokenGuard, probeRoutes, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { AddressTable, createGlobalSidecar, createRegistryResolver } from "@fenceline/proxy";
import { DirectoryStore } from "@fenceline/store";
import { openFilesLimit } from "@fenceline/wire/open-files";
import type { Logger } from "pino";
import { Counter, Registry as MetricsRegistry } from "prom-client";
import { buildInfo } from "../../build-info.ts";
import { callsRoute } from "../../calls-route.ts";
import { Demo, forgetDemo, removeDemo } from "../../demo/demo.ts";
import { DEMO_FILE } from "../../demo/demo-mesh.ts";
import { callAddress, type HeldPort, holdPorts } from "../../listen.ts";
import { reporterMetrics } from "../../reporter-metrics.ts";
import { takeFolder } from "./folder-in-use.ts";
import { makeFolder, prepareFolder, startFailure } from "./prepare-folder.ts";
import { makeApiToken, sharedToken } from "./tokens.ts";

/** Settings of a standalone run. */
export interface StandaloneOptions {
  /** Folder with manifests, state and rendered objects. */
  readonly folder: string;
  /** IP address on which everything listens. */
  readonly host: string;
  /** Ports; 0 takes a free one. */
  readonly proxyPort: number;
  readonly alsPort: number;
  readonly apiPort: number;
  /** Host names of the API, beside those that the collector's Service would have. */
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
 * Milliseconds for requests in flight at the end. Everything must have ended within 5 s of a
 * SIGTERM.
 */
const DRAIN_MS = 3_000;

/**
 * Runs the global sidecar, the collector and the demo in one process, with a folder instead of a
 * cluster.
 *
 * @throws {FencelineError} when a manifest is not valid, the folder cannot be written or a port is
 * taken. What was started is stopped again
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const closers: Closer[] = [];
  const undo: Closer[] = [];
  const close = async () => {
    const failed: unknown[] = [];
    // If one part cannot be closed, the others are: the state is written, and the folder is
    // released.
    for (const closer of closers.splice(0).reverse()) await closer().catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  };
  try {
    return { ...(await start(options, closers, undo)), close };
  } catch (error) {
    for (const each of undo) await each();
    await close();
    throw startFailure(error, options.folder);
  }
}

/** @param undo what only a failed start has to undo, while the folder is still held */
async function start(options: StandaloneOptions, closers: Closer[], undo: Closer[]): Promise<Omit<Standalone, "close">> {
  const { folder, host, logger } = options;
  // There is no mTLS here, so nobody has a certificate.
  const config = { ...options.config, telemetry: { ...options.config.telemetry, acceptPlaintext: true } };
  const ports = await takePlaces(options, closers);
  const demo = await prepareDemo(options, closers, undo);
  const metrics = new MetricsRegistry();
  const store = await openStore(folder, config, metrics, logger);
  closers.push(() => store.close());

  const fallback = sharedToken();
  const collector = await Collector.start({
    store,
    config,
    logger: logger.child({ part: "collector" }),
    accessLogs: { host, port: ports.als.port, bound: ports.als.handOver },
    fallbackToken: fallback.matches,
  });
  closers.push(() => collector.close());
  const shown: Shown = { registries: [buildInfo(), metrics, collector.metrics], longLivedCalls: () => [] };
  const api = await startApi({ options, config, port: ports.api, collector, shown }, closers);

  const target = formatAddress(callAddress(host), collector.accessLogPort);
  const reporter = createEdgeReporter({ target, nodeId: "global-sidecar~standalone", token: () => fallback.token });
  closers.push(() => reporter.close());
  const proxy = await startProxy({ options, config, port: ports.proxy, collector, reporter, apiPort: api.port });
  closers.push(() => proxy.close({ deadline: DRAIN_MS }));
  shown.longLivedCalls = () => proxy.longLivedCalls();
  shown.registries.push(proxy.metrics, reporterMetrics({ stats: () => reporter.stats() }));

  demo?.start({
    host: callAddress(host),
    fallbackPort: proxy.address.port,
    accessLogPort: collector.accessLogPort,
    registry: () => collector.mesh.registry,
    rendered: (fence) => store.ownedBy(fenceRef(fence)),
    logger: logger.child({ part: "demo" }),
  });
  if (demo !== undefined) closers.push(() => demo.stopCalling());
  return { proxyPort: proxy.address.port, alsPort: collector.accessLogPort, apiPort: api.port };
}

/** Ports that are held until their servers take them over. */
type Ports = Readonly<Record<"proxy" | "als" | "api", HeldPort>>;

/** What the API shows of the proxy, which starts after it. */
interface Shown {
  readonly registries: { metrics(): Promise<string> }[];
  longLivedCalls: () => readonly object[];
}

/** Takes the folder and the ports for this process alone. */
async function takePlaces({ folder, host, ...options }: StandaloneOptions, closers: Closer[]): Promise<Ports> {
  await makeFolder(folder);
  closers.push(await takeFolder(folder));
  const [proxy, als, api] = await holdPorts(host, [
    { flag: "--proxy-port", port: options.proxyPort },
    { flag: "--als-port", port: options.alsPort },
    { flag: "--api-port", port: options.apiPort },
  ]);
  if (proxy === undefined || als === undefined || api === undefined) throw new TypeError("each port that is asked for is held");
  closers.push(() => Promise.all([proxy, als, api].map((held) => held.release())));
  await prepareFolder(folder);
  return { proxy, als, api };
}

/** Writes the demo's manifests into the folder, or removes those of an earlier run. */
async function prepareDemo({ folder, demo: isWanted }: StandaloneOptions, closers: Closer[], undo: Closer[]): Promise<Demo | undefined> {
  if (!isWanted) {
    await forgetDemo(folder);
    return undefined;
  }
  // A start that is refused leaves the folder as it was.
  if (!existsSync(join(folder, DEMO_FILE))) undo.push(() => removeDemo(folder));
  const demo = await Demo.prepare(folder);
  closers.push(() => demo.stop());
  return demo;
}

/** Opens the folder as a store, and logs what happens to its files. */
function openStore(folder: string, { ageing }: Config, metrics: MetricsRegistry, logger: Logger): Promise<DirectoryStore> {
  const manifestsRefused = new Counter({
    name: "fenceline_manifests_refused_total",
    help: "Changed manifest files that were not valid.",
    registers: [metrics],
  });
  return DirectoryStore.open({
    folder,
    keepDeleted: durationMs(ageing.keepDeleted),
    onRestored: (file) => logger.warn({ file }, "rendered file changed by somebody else, written again"),
    onRefused: ({ code, at, message }, kept) => {
      manifestsRefused.inc();
      logger.error({ code, at, detail: message }, kept ? "manifest rejected; keeping the previous version" : "manifest rejected");
    },
    onTaken: (file, objects) => logger.info({ file, objects }, "manifest read"),
    onIgnored: (file, reason, count) => logger.info({ file, reason, count }, "left alone"),
    onTrouble: ({ code, at, message }) => logger.warn({ code, at, detail: message }, "partly unreadable, the rest counts"),
  });
}

/** What the servers of this process share. */
interface ServerContext {
  readonly options: StandaloneOptions;
  readonly config: Config;
  readonly port: HeldPort;
  readonly collector: Collector;
}

/** Serves probes, metrics and the API. */
async function startApi(
  { options, config, port, collector, shown }: ServerContext & { shown: Shown },
  closers: Closer[],
): Promise<HttpApi> {
  const token = await makeApiToken(options.folder);
  closers.push(() => token.remove());
  const api = await serveHttpApi({
    host: options.host,
    port: port.port,
    bound: port.handOver(),
    guard: localTokenGuard(token),
    routes: [
      exportRoute(() => collector.api.exported),
      ...fenceRoutes(() => collector.reader),
      ...reportRoutes(() => collector.api.reported),
      resetRoute(() => collector.api.resets),
      callsRoute(() => shown.longLivedCalls()),
      ...probeRoutes({ metrics: () => shown.registries, notReady: () => collector.notReady() }),
    ],
    names: [...serviceNames(`${config.collector.service}.${config.namespace}.svc.${config.clusterDomain}`), ...(options.apiHost ?? [])],
  });
  closers.push(() => api.close());
  return api;
}

/** Starts the global sidecar in this thread. */
function startProxy({
  options: { host, logger },
  config,
  port,
  collector,
  reporter,
  apiPort,
}: ServerContext & { readonly reporter: EdgeReporter; readonly apiPort: number }) {
  return createGlobalSidecar({
    host,
    port: port.port,
    bound: port.handOver(),
    resolver: createRegistryResolver(() => collector.mesh.registry),
    reporter,
    logger: logger.child({ part: "proxy" }),
    clusterDomain: config.clusterDomain,
    // The operator says in the folder where services are, and those of the demo are on this
    // machine.
    allowLoopback: true,
    servesPodNames: true,
    // A connection needs two files, and access logs, the API and the folder need some, too.
    load: { maxConnections: Math.min(10_000, Math.floor(openFilesLimit() / 4)) },
    acceptPlaintext: config.telemetry.acceptPlaintext,
    mesh: meshAddresses(collector),
    ownNamespace: config.namespace,
    ownNames: [collector.mesh.fallbackHost],
    ownPorts: [collector.accessLogPort, apiPort],
  });
}

/** The mesh's addresses from the collector of this process. */
function meshAddresses({ addresses }: Collector): AddressTable {
  const table = new AddressTable();
  table.apply({ reset: true, complete: true, addresses: [...addresses.addresses()], removed: [] });
  addresses.onChange((changed) => {
    const known = [...changed].map((address) => addresses.get(address) ?? address);
    const present = known.filter((each) => typeof each !== "string");
    table.apply({ reset: false, complete: false, addresses: present, removed: known.filter((each) => typeof each === "string") });
  });
  return table;
}
