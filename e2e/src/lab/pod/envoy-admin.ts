import { FencelineError } from "@fenceline/api";

/** A virtual host of a route table, reduced to what suites read. */
interface VirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly { readonly name?: string; readonly route?: { readonly cluster?: string } }[];
}

/** A route table that Envoy got from istiod. */
export interface RouteTable {
  /** A port number, or `<host>:<port>` for a sniffed one. */
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
}

interface ClusterStatus {
  readonly name: string;
  readonly host_statuses?: readonly HostStatus[];
}

interface HostStatus {
  readonly address: { readonly socket_address?: { readonly address: string } };
  readonly health_status?: { readonly eds_health_status?: string };
  readonly stats: readonly { readonly name: string; readonly value?: string }[];
}

const ADMIN_PORT = 15_000;

/** The admin interface of a pod's Envoy, called from outside of the pod. */
export class EnvoyAdmin {
  readonly #url: string;

  constructor(address: string) {
    this.#url = `http://${address}:${ADMIN_PORT}`;
  }

  /** Everything that Envoy is configured with, as it prints it. */
  async configDump(query = ""): Promise<readonly Record<string, unknown>[]> {
    return ((await this.#json(`/config_dump${query}`)) as { configs?: Record<string, unknown>[] }).configs ?? [];
  }

  /**
   * The route tables that istiod sent.
   * @param name regular expression on the whole name; default all
   */
  async routeTables(name = ".*"): Promise<readonly RouteTable[]> {
    const configs = await this.configDump(`?resource=dynamic_route_configs&name_regex=${encodeURIComponent(`^${name}$`)}`);
    return configs.map(({ route_config }) => {
      const { name: table, virtual_hosts = [] } = route_config as { name: string; virtual_hosts?: VirtualHost[] };
      return { name: table, virtualHosts: virtual_hosts };
    });
  }

  /** Names of the clusters that istiod sent. */
  async clusterNames(): Promise<readonly string[]> {
    const configs = await this.configDump("?resource=dynamic_active_clusters");
    return configs.map(({ cluster }) => (cluster as { name: string }).name);
  }

  /** Names of the clusters that have a healthy endpoint. */
  async clustersWithEndpoints(): Promise<readonly string[]> {
    const { cluster_statuses = [] } = (await this.#json("/clusters?format=json")) as { cluster_statuses?: ClusterStatus[] };
    return cluster_statuses.filter(({ host_statuses = [] }) => host_statuses.some(isHealthy)).map(({ name }) => name);
  }

  /**
   * Healthy addresses of a cluster, each with the number of requests and streams that are open to
   * it now. Istio sends the others, too.
   */
  async endpoints(cluster: string): Promise<ReadonlyMap<string, number>> {
    const healthy = (await this.#hosts(cluster)).filter(isHealthy);
    return new Map(healthy.map((host) => [host.address.socket_address?.address ?? "", statOf(host, "rq_active")]));
  }

  /** Connections that are open to a cluster. */
  async connections(cluster: string): Promise<number> {
    return (await this.#hosts(cluster)).reduce((sum, host) => sum + statOf(host, "cx_active"), 0);
  }

  /** Requests that were sent to a cluster so far. */
  async requests(cluster: string): Promise<number> {
    return (await this.#hosts(cluster)).reduce((sum, host) => sum + statOf(host, "rq_total"), 0);
  }

  async #hosts(cluster: string): Promise<readonly HostStatus[]> {
    const { cluster_statuses = [] } = (await this.#json("/clusters?format=json")) as { cluster_statuses?: ClusterStatus[] };
    return cluster_statuses.find(({ name }) => name === cluster)?.host_statuses ?? [];
  }

  /** Bytes that Envoy has allocated. */
  async allocatedBytes(): Promise<number> {
    return Number(((await this.#json("/memory")) as { allocated: string }).allocated);
  }

  /** Counters and gauges whose name matches, by name. */
  async stats(filter: string): Promise<Readonly<Record<string, number>>> {
    const { stats } = (await this.#json(`/stats?format=json&filter=${encodeURIComponent(filter)}`)) as {
      stats: { name?: string; value?: number }[];
    };
    // Histograms come in an entry without a name.
    return Object.fromEntries(stats.flatMap(({ name, value }) => (name === undefined || value === undefined ? [] : [[name, value]])));
  }

  async #json(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`);
    if (!response.ok) throw new FencelineError("LAB_ENVOY_ADMIN", { message: `Envoy answered ${path} with ${response.status}` });
    return response.json();
  }
}

function statOf({ stats }: HostStatus, stat: string): number {
  return Number(stats.find(({ name }) => name === stat)?.value ?? 0);
}

function isHealthy({ health_status }: HostStatus): boolean {
  return health_status?.eds_health_status === "HEALTHY";
}
