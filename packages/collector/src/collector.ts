import { allNew, durationMs, type FenceKey, type ObjectRef, SERVICE_FENCE } from "@fenceline/api";
import { Controller, KindDriver } from "@fenceline/control";
import type { TelemetrySource } from "@fenceline/edges";
import { meshAddressService } from "@fenceline/mesh-addresses";
import { MeshAddressBook } from "@fenceline/registry";
import type { MeshChanges } from "@fenceline/store";
import { type CallerCheck, type GrpcHost, type GrpcService, peerOf, startGrpcHost } from "@fenceline/wire";
import type { Registry as MetricsRegistry } from "prom-client";
import { AutomaticFences } from "./automatic/automatic-fences.ts";
import type { CollectorOptions } from "./collector-options.ts";
import { limiterCounts } from "./condition-counts.ts";
import { fallbackCaller } from "./fallback/fallback-caller.ts";
import { FallbackService } from "./fallback/fallback-service.ts";
import { wildcardsFor } from "./fence/auto-hosts.ts";
import { isHiddenByDefault } from "./fence/default-imports.ts";
import { areRefusalsKnown } from "./fence-calls.ts";
import { fenceCounts } from "./fence-counts.ts";
import { FenceTelemetry } from "./fence-telemetry.ts";
import type { KindContext } from "./kind-context.ts";
import { DRIVERS } from "./kinds.ts";
import { limitLog } from "./limit-log.ts";
import { Mesh } from "./mesh.ts";
import { CollectorMetrics } from "./metrics.ts";
import { RefusedCalls } from "./refused-calls.ts";
import { type ApiSources, apiSources } from "./routes/api-sources.ts";
import type { FenceReader } from "./routes/views.ts";
import { AccessLogSource } from "./sources/access-logs/access-log-source.ts";
import { DecisionLog } from "./sources/access-logs/decision-log.ts";
import { unbelievedLog } from "./sources/access-logs/unbelieved-log.ts";
import { type AskedIstiods, askedIstiods } from "./sources/istiods/asked-istiods.ts";
import { type ConfiguredPrometheus, configuredPrometheus } from "./sources/prometheus/configured-prometheus.ts";
import { addressedIn, toldPolicies } from "./told-addresses.ts";
import { warnOfUnknownRanges } from "./unknown-ranges.ts";

/** The daemon: access logs and objects of ours in, rendered objects out. */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #metrics = new CollectorMetrics();
  readonly #telemetry: FenceTelemetry;
  /** The loop on which all kinds run. */
  readonly #controller: Controller;
  /** One for each kind: it starts the kind's runs. */
  readonly #drivers: readonly KindDriver[];
  readonly #fallback: FallbackService;
  readonly #automatic: AutomaticFences;
  readonly #decisions: DecisionLog | undefined;
  /** What each address of the mesh is, for the global sidecar. */
  readonly addresses: MeshAddressBook;
  /** What the HTTP API reads and calls. */
  readonly api: ApiSources;
  readonly #closers: (() => void | Promise<void>)[] = [];
  readonly #mesh: Mesh;
  readonly #prometheus: ConfiguredPrometheus;
  readonly #istiods: AskedIstiods;
  /** Undefined where the global sidecar forwards them. */
  readonly #refused: RefusedCalls | undefined;
  #grpcHost: GrpcHost | undefined;

  private constructor(options: CollectorOptions) {
    const { store, config, logger, now = Date.now, leads = () => true, fallbackReady = () => true, proxyVersion } = options;
    this.#options = options;
    const metrics = this.#metrics;
    const snapshot = store.snapshot();
    this.#mesh = new Mesh(snapshot, config);
    this.#decisions = DecisionLog.of(logger);
    this.addresses = new MeshAddressBook(config.namespace, () => this.#mesh.registry, config.podRanges);
    const all: Pick<MeshChanges, "of"> = { of: (kind) => allNew(snapshot.of(kind)) };
    this.#refused = config.authorizationPolicies.denied === "Refuse" ? new RefusedCalls(() => this.#mesh, store) : undefined;
    const { outbound, sidecars } = toldPolicies(snapshot, this.#mesh);
    this.addresses.apply(addressedIn(all), outbound, this.#refused?.texts(), sidecars);
    this.#telemetry = new FenceTelemetry({
      ...{ metrics, logger, now, proxyVersion, switchOver: config.switchOver },
      keepDeleted: durationMs(config.ageing.keepDeleted),
      onEvicted: (host, by) => this.#decisions?.evicted(host, by),
      isHidden: (fence, host) => isHiddenByDefault(fence, host, store, this.#mesh),
      wildcardsFor: ({ namespace }, called) => wildcardsFor(called, namespace, this.#mesh),
      isDenied: (fence, host) =>
        areRefusalsKnown(store) && this.#mesh.calls.isDenied({ ...fence, serviceAccount: this.#serviceAccountOf(fence) }, host),
    });
    const shared = { store, mesh: () => this.#mesh, config, metrics, logger, leads };
    this.#prometheus = configuredPrometheus({ ...shared, now, telemetry: this.#telemetry });
    const { samples = this.#prometheus.samples } = options;
    this.#controller = new Controller(shared);
    const credentials = options.istiods;
    this.#istiods = askedIstiods({ ...shared, credentials, streams: this.#telemetry.streams, runs: this.#controller });
    const beside = {
      now,
      fallbackReady,
      telemetry: this.#telemetry,
      runs: this.#controller,
      samples,
      givenValues: undefined,
      proxies: this.#istiods.proxies,
    };
    this.#drivers = this.#drive({ ...shared, ...beside });
    this.#fallback = new FallbackService(shared);
    for (const { path: rule, reason: detail } of this.#mesh.aliases.faults) logger.warn({ rule, detail }, "alias rule left out");
    this.#automatic = new AutomaticFences(shared);
    this.api = apiSources({ ...shared, ...beside, serviceAccountOf: (fence) => this.#serviceAccountOf(fence) });
    metrics.observeFences(() => fenceCounts(store));
    metrics.observeLimiters(() => limiterCounts(store));
    metrics.observe({
      edges: () => this.#telemetry.book.size,
      switchOverPause: () => this.#telemetry.pushes.pause / 1_000,
      accessLogs: () => this.#grpcHost,
      fences: () => this.#mesh.fences().length,
      fencesAtCapacity: () => this.#telemetry.fencesAtCapacity(),
      fallbackPorts: () => this.#fallback.counts(),
    });
  }

  /**
   * Starts a collector. Before it listens, it looks once at every object of ours, so that after a
   * restart it never answers with less than it knew.
   *
   * @throws {FencelineError} when it cannot listen on a port; then nothing is left running
   */
  static async start(options: CollectorOptions): Promise<Collector> {
    const collector = new Collector(options);
    try {
      await collector.#start();
      return collector;
    } catch (error) {
      await collector.close();
      throw error;
    }
  }

  /** Port of the access-log service. */
  get accessLogPort(): number {
    return this.#grpcHost?.port ?? 0;
  }

  /** Its metrics. */
  get metrics(): MetricsRegistry {
    return this.#metrics.registry;
  }

  /** What the HTTP API shows. */
  get reader(): FenceReader {
    return this.api.reader;
  }

  /** Why rendered objects cannot be written now; undefined as long as no reason is known. */
  notReady(): string | undefined {
    return this.#controller.blocked();
  }

  /** What exists, as far as this was told. */
  get mesh(): Mesh {
    return this.#mesh;
  }

  /** This replica has become the leader: it looks at every object of ours. */
  lead(): void {
    this.#istiods.lead();
    for (const driver of this.#drivers) driver.lead();
    this.#fallback.refresh();
    this.#automatic.refresh();
  }

  /** Resolves when all necessary writes are done. */
  async idle(): Promise<void> {
    await this.#controller.idle();
    for (const driver of this.#drivers) await driver.idle();
    await Promise.all([this.#controller.idle(), this.#fallback.idle(), this.#automatic.idle()]);
  }

  /**
   * Stops in the reverse order of the start. What still arrives is taken in, and what was learned
   * is written.
   */
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async #start(): Promise<void> {
    const { store, config, logger, fallbackToken: token, sources = [] } = this.#options;
    this.#closers.push(() => this.#prometheus.close());
    this.#closers.push(() => this.#controller.close());
    for (const driver of this.#drivers) this.#closers.push(() => driver.close());
    this.#closers.push(() => this.#fallback.close());
    this.#closers.push(() => this.#automatic.close());
    this.#closers.push(store.onChange((changes) => this.#refresh(changes)));
    if (this.#refused !== undefined) this.#closers.push(this.#refused.watch((texts) => this.addresses.apply({}, undefined, texts)));
    if (store.states !== undefined) this.#closers.push(store.states.onDeleted((of) => this.#stateDeleted(of)));
    for (const driver of this.#drivers) driver.refresh();
    this.#fallback.refresh();
    this.#automatic.refresh();
    warnOfUnknownRanges(this.addresses, this.#options);
    await this.#controller.idle();
    for (const driver of this.#drivers) await driver.start();
    const isFallback = fallbackCaller({ config, token, refused: this.#metrics.fallbackRefused, logger });
    const services = [meshAddressService(this.addresses, isFallback)];
    const accessLogs = this.#accessLogSource(isFallback, (service) => services.push(service));
    for (const source of [accessLogs, ...this.#prometheus.sources, ...sources]) {
      const running = await source.start(this.#telemetry.sink);
      this.#closers.push(() => running.close());
    }
    this.#grpcHost = await this.#listen(services);
    this.#closers.push(this.#istiods.start());
  }

  #accessLogSource(isFallback: CallerCheck, serve: (service: GrpcService) => void): TelemetrySource {
    const { logger, now = Date.now } = this.#options;
    return new AccessLogSource({
      serve,
      fallbackCaller: isFallback,
      mesh: () => this.#mesh,
      metrics: this.#metrics,
      now,
      decisions: this.#decisions,
      pushes: this.#telemetry.pushes,
      onProxyVersion: (fence, version, stream) => this.#telemetry.proxyTold(stream, fence, version),
      onAttributed: (stream, fences) => this.#telemetry.streams.attributed(stream, fences),
      onProxyGone: (stream) => this.#telemetry.proxyLeft(stream),
      onUnbelieved: unbelievedLog(logger),
    });
  }

  /** Opens the gRPC port for these services. */
  async #listen(services: readonly GrpcService[]): Promise<GrpcHost> {
    const { accessLogs, logger } = this.#options;
    const logLimit = limitLog(logger);
    const { bound, ...address } = accessLogs;
    const host = await startGrpcHost({
      ...address,
      bound: bound?.(),
      services,
      peerOf: (headers, address) => peerOf(headers, address, this.#mesh.trustDomains),
      onLimit: (limit, peer) => {
        this.#metrics.limits.inc({ limit });
        logLimit(limit, peer);
      },
    });
    this.#closers.push(() => host.close());
    return host;
  }

  #refresh(changes: MeshChanges): void {
    const snapshot = this.#options.store.snapshot();
    this.#mesh.apply(changes, snapshot);
    this.#istiods.changed(changes);
    const isPolicy = changes.defaultSidecars.length > 0 || changes.meshConfigs.length > 0;
    const told = isPolicy ? toldPolicies(snapshot, this.#mesh) : undefined;
    this.addresses.apply(addressedIn(changes), told?.outbound, this.#refused?.apply(changes), told?.sidecars);
    for (const driver of this.#drivers) driver.changed(changes);
    this.#fallback.changed(changes);
    this.#automatic.changed(changes);
  }

  /** Whoever deletes the state of a fence asks it to forget. */
  #stateDeleted({ kind, ...key }: ObjectRef): void {
    if (kind === SERVICE_FENCE.name) this.api.resets.stateDeleted(key);
  }

  #drive(context: KindContext): readonly KindDriver[] {
    const { store, logger, drivers = DRIVERS } = this.#options;
    const shared = { controller: this.#controller, metrics: this.#metrics, store, logger };
    for (const kind of Object.keys(drivers)) this.#metrics.showKind(kind);
    return Object.values(drivers).map((make) => new KindDriver({ ...shared, driven: make(context) }));
  }

  #serviceAccountOf(fence: FenceKey): string | undefined {
    return this.#telemetry.streams.serviceAccountOf(fence, this.#mesh.trustDomains);
  }
}
