import {
  type Config,
  type FenceKey,
  fenceKeyOf,
  formatFenceKey,
  type Labels,
  type ServiceFence,
  type SystemConfig,
  trustDomainsOf,
} from "@fenceline/api";
import { type ControlPlane, type Destination, Registry } from "@fenceline/registry";
import { workloadLabels } from "@fenceline/render";
import type { MeshConfig, MeshSnapshot } from "@fenceline/store";

/**
 * Most characters of upstream clusters whose meaning is remembered: 20,000 of the usual length,
 * more than a mesh of some thousand services has.
 */
const REMEMBERED_CHARACTERS = 1_500_000;

/** The configuration, and what the mesh says of itself. */
export type MeshConfiguration = Config & SystemConfig;

interface FenceSelector {
  readonly key: FenceKey;
  readonly labels: [string, string][];
}

/**
 * What the rest of the collector asks about one snapshot. A new snapshot makes a new mesh, so
 * whatever is remembered in here can never be stale.
 */
export class Mesh {
  /** What the mesh says of itself stands beside what is configured. */
  readonly config: MeshConfiguration;
  /** What decides who is REGISTRY_ONLY; none where no MeshConfig can be read. */
  readonly controlPlanes: readonly ControlPlane[];
  readonly registry: Registry;
  /** Fully qualified host of the global sidecar. */
  readonly fallbackHost: string;
  /** Trust domains of this mesh. */
  readonly trustDomains: readonly string[];
  readonly #fences = new Map<string, ServiceFence>();
  readonly #selectors: FenceSelector[];
  /** Of clusters that exist: what senders make up is looked up each time, and stays nowhere. */
  readonly #clusters = new Map<string, Destination>();
  #clusterCharacters = 0;

  constructor(snapshot: MeshSnapshot, config: Config) {
    const { meshConfigs = [] } = snapshot;
    this.config = { ...config, meshRootNamespaces: [...new Set(meshConfigs.flatMap(({ rootNamespace }) => rootNamespace ?? []))] };
    this.controlPlanes = meshConfigs.flatMap((meshConfig) => controlPlanesOf(meshConfig, config));
    this.registry = new Registry({ ...snapshot, clusterDomain: config.clusterDomain });
    this.trustDomains = trustDomainsOf(config);
    this.fallbackHost = `${config.fallback.service}.${config.namespace}.svc.${config.clusterDomain}`;
    for (const fence of [...snapshot.fences].sort(byName)) this.#fences.set(formatFenceKey(fence.metadata), fence);
    this.#selectors = [...this.#fences.values()].flatMap((fence) => {
      const labels = workloadLabels({ fence, registry: this.registry, config });
      return labels === undefined ? [] : [{ key: fenceKeyOf(fence), labels: Object.entries(labels) }];
    });
  }

  fences(): ServiceFence[] {
    return [...this.#fences.values()];
  }

  fence(key: FenceKey): ServiceFence | undefined {
    return this.#fences.get(formatFenceKey(key));
  }

  /** The fence whose selector takes a pod with these labels; the first by name where several do. */
  fenceOfPod(namespace: string, labels: Labels): FenceKey | undefined {
    return this.#selectors.find((selector) => takes(selector, namespace, labels))?.key;
  }

  /** Whether a fence's selector takes a pod with these labels. */
  selects({ namespace: home, name }: FenceKey, namespace: string, labels: Labels): boolean {
    const selector = this.#selectors.find(({ key }) => key.namespace === home && key.name === name);
    return selector !== undefined && takes(selector, namespace, labels);
  }

  /** Whether the fallback's Service has a ready endpoint. */
  hasFallback(): boolean {
    const { fallback, namespace } = this.config;
    const service = this.registry.service(namespace, fallback.service);
    return service !== undefined && this.registry.endpointsOf(service, fallback.port).length > 0;
  }

  /**
   * The Service port behind an Envoy cluster `outbound|<port>|<subset>|<host>`; undefined when it
   * is none, or not in the registry.
   */
  destinationOfCluster(cluster: string): Destination | undefined {
    const known = this.#clusters.get(cluster);
    if (known !== undefined) return known;
    const destination = this.#parseCluster(cluster);
    if (destination !== undefined) this.#remember(cluster, destination);
    return destination;
  }

  /** Characters of clusters that are remembered now. */
  get rememberedCharacters(): number {
    return this.#clusterCharacters;
  }

  /**
   * The Service port that a caller in `namespace` means by a host; undefined when no such Service,
   * or no such port of it, exists.
   */
  destinationOfHost(host: string, port: number, namespace?: string): Destination | undefined {
    const service = this.registry.resolveHost(host, namespace);
    if (service === undefined || !service.spec.ports.some((candidate) => candidate.port === port)) return undefined;
    return { host: this.registry.hostOf(service), port };
  }

  /**
   * The subset in a cluster is any text, so even those that exist are without number. When there
   * are too many, those in use are soon found again.
   */
  #remember(cluster: string, destination: Destination): void {
    if (this.#clusterCharacters + cluster.length > REMEMBERED_CHARACTERS) {
      this.#clusters.clear();
      this.#clusterCharacters = 0;
    }
    this.#clusters.set(cluster, destination);
    this.#clusterCharacters += cluster.length;
  }

  #parseCluster(cluster: string): Destination | undefined {
    const [direction, port, , host, ...rest] = cluster.split("|");
    if (direction !== "outbound" || host === undefined || rest.length > 0) return undefined;
    return this.destinationOfHost(host, Number(port));
  }
}

/**
 * Where the configuration and MeshConfig name different root namespaces, a default Sidecar in
 * either may be the one that counts.
 */
function controlPlanesOf({ outbound, rootNamespace: told }: MeshConfig, { rootNamespace, istioNamespace }: Config): ControlPlane[] {
  const roots = new Set([rootNamespace, told].filter((root) => root !== undefined));
  if (roots.size === 0) roots.add(istioNamespace);
  return [...roots].map((root) => ({ outbound, rootNamespace: root }));
}

function takes({ key, labels: wanted }: FenceSelector, namespace: string, labels: Labels): boolean {
  return key.namespace === namespace && wanted.every(([name, value]) => labels[name] === value);
}

function byName(a: ServiceFence, b: ServiceFence): number {
  return formatFenceKey(a.metadata) < formatFenceKey(b.metadata) ? -1 : 1;
}
