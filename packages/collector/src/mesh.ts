import { type Config, type FenceKey, type Labels, type ServiceFence, trustDomainsOf } from "@fenceline/api";
import { type Destination, Registry } from "@fenceline/registry";
import { workloadLabels } from "@fenceline/render";
import type { MeshSnapshot } from "@fenceline/store";

/** Most upstream clusters whose meaning is remembered. A mesh of a thousand services with some ports and subsets stays below it. */
const REMEMBERED_CLUSTERS = 20_000;

interface FenceSelector {
  readonly key: FenceKey;
  readonly labels: [string, string][];
}

/**
 * What the rest of the collector asks about one snapshot. A new snapshot makes a new mesh, so whatever is remembered in here can never be stale.
 */
export class Mesh {
  readonly config: Config;
  readonly registry: Registry;
  /** Fully qualified host of the global sidecar. */
  readonly fallbackHost: string;
  /** Trust domains of this mesh. */
  readonly trustDomains: readonly string[];
  readonly #fences = new Map<string, ServiceFence>();
  readonly #selectors: FenceSelector[];
  readonly #clusters = new Map<string, Destination | undefined>();

  constructor(snapshot: MeshSnapshot, config: Config) {
    this.config = config;
    this.registry = new Registry({ ...snapshot, clusterDomain: config.clusterDomain });
    this.trustDomains = trustDomainsOf(config);
    this.fallbackHost = `${config.fallback.service}.${config.namespace}.svc.${config.clusterDomain}`;
    for (const fence of [...snapshot.fences].sort(byName)) this.#fences.set(mapKey(fence.metadata), fence);
    this.#selectors = [...this.#fences.values()].flatMap((fence) => {
      const labels = workloadLabels({ fence, registry: this.registry, config });
      return labels === undefined ? [] : [{ key: keyOf(fence), labels: Object.entries(labels) }];
    });
  }

  fences(): ServiceFence[] {
    return [...this.#fences.values()];
  }

  fence(key: FenceKey): ServiceFence | undefined {
    return this.#fences.get(mapKey(key));
  }

  /** The fence whose selector takes a pod with these labels; the first by name where several do. */
  fenceOfPod(namespace: string, labels: Labels): FenceKey | undefined {
    const takes = (selector: FenceSelector) =>
      selector.key.namespace === namespace && selector.labels.every(([key, value]) => labels[key] === value);
    return this.#selectors.find(takes)?.key;
  }

  /** Whether the fallback's Service has a ready endpoint. */
  hasFallback(): boolean {
    const { fallback, namespace } = this.config;
    const service = this.registry.service(namespace, fallback.service);
    return service !== undefined && this.registry.endpointsOf(service, fallback.port).length > 0;
  }

  /** The Service port behind an Envoy cluster `outbound|<port>|<subset>|<host>`; undefined when it is none, or not in the registry. */
  destinationOfCluster(cluster: string): Destination | undefined {
    const known = this.#clusters.get(cluster);
    if (known !== undefined || this.#clusters.has(cluster)) return known;
    const destination = this.#parseCluster(cluster);
    if (this.#clusters.size < REMEMBERED_CLUSTERS) this.#clusters.set(cluster, destination);
    return destination;
  }

  /** The Service port that a caller in `namespace` means by a host; undefined when no such Service, or no such port of it, exists. */
  destinationOfHost(host: string, port: number, namespace?: string): Destination | undefined {
    const service = this.registry.resolveHost(host, namespace);
    if (service === undefined || !service.spec.ports.some((candidate) => candidate.port === port)) return undefined;
    return { host: this.registry.hostOf(service), port };
  }

  #parseCluster(cluster: string): Destination | undefined {
    const [direction, port, , host, ...rest] = cluster.split("|");
    if (direction !== "outbound" || host === undefined || rest.length > 0) return undefined;
    return this.destinationOfHost(host, Number(port));
  }
}

function keyOf({ metadata: { namespace, name } }: ServiceFence): FenceKey {
  return { namespace, name };
}

/** A namespace has no `/`, so this is unambiguous for keys that passed the schema; others are only looked up. */
function mapKey({ namespace, name }: FenceKey): string {
  return `${namespace}/${name}`;
}

function byName(a: ServiceFence, b: ServiceFence): number {
  return mapKey(a.metadata) < mapKey(b.metadata) ? -1 : 1;
}
