import { randomUUID } from "node:crypto";
import { COLLECTOR_AUDIENCE, type Config, type FencelineError, meshConfigMapsOf, meshKindsFor } from "@fenceline/api";
import { Collector, exportRoute, type FallbackToken, fenceRoutes, reportRoutes, resetRoute } from "@fenceline/collector";
import { type HttpApi, probeRoutes, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { KubernetesApi, kubeConfigLoader, LeaderElection, TokenReviews } from "@fenceline/kubernetes";
import { KubernetesStore } from "@fenceline/store/kubernetes";
import type { Logger } from "pino";
import { buildInfo } from "../../build-info.ts";
import { apiGuard } from "./api-guard.ts";
import { clusterMetrics } from "./cluster-metrics.ts";
import { istiodCredentialsIn } from "./istiod-credentials.ts";
import { ownProxyVersion } from "./own-proxy.ts";

/** Settings of a {@link Replica}. */
export interface ReplicaOptions {
  readonly host: string;
  /** Ports; 0 takes a free one. */
  readonly alsPort: number;
  readonly apiPort: number;
  /** Namespace of the Lease. */
  readonly namespace: string;
  /** Name of this replica among the others. */
  readonly identity: string;
  readonly kubeconfig?: string;
  /** Folder with `token` and `root-cert.pem`. Default: istiods are not asked. */
  readonly istiodCredentials?: string;
  /** Host names of the API, beside those of the collector's Service. */
  readonly apiHost?: readonly string[];
  readonly config: Config;
  readonly logger: Logger;
}

/** Name of the Lease that the replicas share. */
const LEASE = "fenceline-collector";
/** The chart's ClusterRole: it exists as long as Fenceline is installed. */
const CLUSTER_ROLE = "fenceline-collector";
/**
 * Longest time for the last writes, in milliseconds. A pod has 30 s to end, and an API server may
 * not answer.
 */
const LAST_WRITES = 10_000;

/**
 * One collector in a cluster. It answers probes and metrics from the beginning. While the API
 * server is down, it waits: a restart would not help.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #api: KubernetesApi;
  readonly #election: LeaderElection;
  readonly #store: KubernetesStore;
  #http: HttpApi | undefined;
  #collector: Collector | undefined;
  #starting: Promise<void> | undefined;
  readonly #onTrouble = ({ code, at, message }: FencelineError) =>
    this.#options.logger.warn({ code, at, detail: message }, "trouble with the API server");

  private constructor(options: ReplicaOptions, api: KubernetesApi) {
    const { namespace, identity, logger } = options;
    const onTrouble = this.#onTrouble;
    this.#options = options;
    this.#api = api;
    this.#election = new LeaderElection({
      api,
      namespace,
      name: LEASE,
      identity: `${identity}_${randomUUID()}`,
      onChange: (leads) => {
        logger.info({ leads }, "leadership changed");
        if (leads) this.#collector?.lead();
      },
      onTrouble,
    });
    const meshConfigMaps = meshConfigMapsOf(options.config);
    const mesh = meshKindsFor(options.config);
    this.#store = new KubernetesStore({ api, leadership: this.#election, mesh, meshConfigMaps, installation: CLUSTER_ROLE, onTrouble });
  }

  /**
   * A replica that only answers probes so far.
   *
   * @throws {FencelineError} `LISTEN_FAILED` when the port cannot be bound
   */
  static async create(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options, new KubernetesApi(await kubeConfigLoader(options.kubeconfig)));
    await replica.#serve();
    return replica;
  }

  /** Port of the HTTP API. */
  get apiPort(): number {
    return this.#http?.port ?? 0;
  }

  /** Port of the access-log service; 0 before it is ready. */
  get accessLogPort(): number {
    return this.#collector?.accessLogPort ?? 0;
  }

  /**
   * Waits until the mesh is known, then begins to learn, and only then joins the election: a leader
   * must be able to work. Resolves after that, or when {@link close} ends the wait.
   *
   * @throws {FencelineError} when the port for access logs cannot be bound
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Writes what was learned, releases the Lease, and stops. A replica that has not started has
   * nothing to write.
   */
  async close(): Promise<void> {
    if (this.#collector === undefined) {
      this.#api.close();
      await this.#store.close();
      // The caller of `start` gets its failure.
      await this.#starting?.catch(() => {});
    }
    // If the API server does not answer, the Lease matters more than the last counts: others wait
    // for it.
    const hurry = setTimeout(() => void this.#election.stop().then(() => this.#api.close()), LAST_WRITES).unref();
    // The collector first: its last writes need the Lease and the store.
    await this.#collector?.close();
    await this.#election.stop();
    await this.#store.close();
    await this.#http?.close();
    clearTimeout(hurry);
    this.#api.close();
  }

  async #start(): Promise<void> {
    const { config, logger, host, alsPort, identity, istiodCredentials } = this.#options;
    const [proxyVersion] = await Promise.all([ownProxyVersion(), this.#store.start()]);
    if (this.#api.closed.aborted) return;
    logger.info({ proxyVersion }, proxyVersion === undefined ? "own pod has no Istio proxy" : "own pod has an Istio proxy");
    this.#collector = await Collector.start({
      store: this.#store,
      config,
      logger,
      accessLogs: { host, port: alsPort },
      leads: () => this.#election.mayWrite(),
      fallbackReady: (mesh) => mesh.hasFallback(),
      fallbackToken: this.#fallbackToken(),
      ...(istiodCredentials !== undefined && { istiods: istiodCredentialsIn(istiodCredentials, identity) }),
      ...(proxyVersion !== undefined && { proxyVersion }),
    });
    if (!this.#api.closed.aborted) this.#election.start();
  }

  /** The API server says to whom a token belongs. */
  #fallbackToken(): FallbackToken {
    const { namespace, fallback } = this.#options.config;
    const reviews = new TokenReviews({ api: this.#api, audience: COLLECTOR_AUDIENCE });
    const theirs = `system:serviceaccount:${namespace}:${fallback.serviceAccount}`;
    return async (token, from) => (await reviews.userOf(token, from)) === theirs;
  }

  async #serve(): Promise<void> {
    const { host, apiPort, config, apiHost = [] } = this.#options;
    const service = `${config.collector.service}.${config.namespace}.svc.${config.clusterDomain}`;
    const build = buildInfo();
    const metrics = clusterMetrics({ health: () => this.#store.health(), leads: () => this.#election.mayWrite() });
    const { guard, metrics: refusals } = apiGuard({ api: this.#api, onTrouble: this.#onTrouble });
    this.#http = await serveHttpApi({
      host,
      port: apiPort,
      guard,
      routes: [
        exportRoute(() => this.#collector?.api.exported),
        ...fenceRoutes(() => this.#collector?.reader),
        ...reportRoutes(() => this.#collector?.api.reported),
        resetRoute(() => this.#collector?.api.resets),
        ...probeRoutes({
          metrics: () => [build, metrics, refusals, ...(this.#collector === undefined ? [] : [this.#collector.metrics])],
          notReady: () => (this.#collector === undefined ? this.#waitingFor() : (this.#collector.notReady() ?? this.#withoutLeader())),
        }),
      ],
      names: [...serviceNames(service), ...apiHost],
    });
  }

  #withoutLeader(): string | undefined {
    const { vacancy } = this.#election;
    return vacancy === undefined ? undefined : `nothing can be written, no replica leads: ${vacancy}`;
  }

  /** What the start still waits for, for the readiness probe. */
  #waitingFor(): string {
    const kinds = this.#store.health().filter(({ synced, state }) => !synced && state !== "unavailable");
    const [trouble] = kinds.flatMap(({ reason }) => reason ?? []);
    if (trouble !== undefined) return `waiting for the API server: ${trouble}`;
    return kinds.length > 0 ? `reading the mesh: ${[...new Set(kinds.map(({ kind }) => kind))].join(", ")}` : "rendering the fences";
  }
}
