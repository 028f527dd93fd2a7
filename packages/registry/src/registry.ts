import type { Endpoint, EndpointSlice, Service } from "@fenceline/api";
import { SERVICE_NAME_LABEL } from "@fenceline/api/vocabulary";
import { type AddressHint, AddressIndex } from "./address-index.ts";
import type { Destination, EndpointAddress } from "./destination.ts";

/** What a {@link Registry} is made from: one consistent view of the objects. */
export interface RegistrySnapshot {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Cluster domain. Default `cluster.local`. */
  readonly clusterDomain?: string;
}

/**
 * What exists in the mesh, and how a caller may name it. Immutable: a change of the mesh makes a
 * new registry.
 *
 * Only what stands here can become an edge. That bounds what is learned by what exists, whatever
 * hosts a client makes up.
 */
export class Registry {
  readonly clusterDomain: string;
  readonly #services = new Map<string, Map<string, Service>>();
  readonly #slices = new Map<Service, EndpointSlice[]>();
  readonly #ordered: readonly Service[];
  #addresses: AddressIndex | undefined;

  constructor({ services, endpointSlices, clusterDomain = "cluster.local" }: RegistrySnapshot) {
    this.clusterDomain = clusterDomain;
    for (const service of services) {
      const { namespace, name } = service.metadata;
      const byName = this.#services.get(namespace) ?? new Map<string, Service>();
      this.#services.set(namespace, byName.set(name, service));
    }
    for (const slice of endpointSlices) {
      const service = this.service(slice.metadata.namespace, slice.metadata.labels[SERVICE_NAME_LABEL] ?? "");
      if (service === undefined) continue;
      const slices = this.#slices.get(service);
      if (slices === undefined) this.#slices.set(service, [slice]);
      else slices.push(slice);
    }
    this.#ordered = [...this.#services.values()].flatMap((byName) => [...byName.values()]).sort(byNamespaceAndName);
  }

  /** Every Service, ordered by namespace and name. */
  services(): readonly Service[] {
    return this.#ordered;
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(namespace)?.get(name);
  }

  /** `b.test1.svc.cluster.local` */
  hostOf({ metadata: { name, namespace } }: Service): string {
    return `${name}.${namespace}.svc.${this.clusterDomain}`;
  }

  /**
   * The namespace that a fully qualified Service name states, whether or not the Service exists;
   * undefined for any other host.
   */
  namespaceOf(host: string): string | undefined {
    const ending = `.svc.${this.clusterDomain}`;
    const labels = host.endsWith(ending) ? host.slice(0, -ending.length).split(".") : [];
    return labels.length >= 2 ? labels.at(-1) : undefined;
  }

  /**
   * The Service that a caller in `callerNamespace` reaches under `host`, following the search path
   * of a pod's resolv.conf: `<namespace>.svc.<domain>`, `svc.<domain>`, `<domain>`, then the name
   * as it stands.
   *
   * A pod of a headless Service (`web-0.web.shop.svc.cluster.local`) is reached by way of its
   * Service.
   *
   * @param host lower case, without trailing dot, as `parseAuthority` gives it
   */
  resolveHost(host: string, callerNamespace?: string): Service | undefined {
    const labels = this.#inCluster(host)?.split(".");
    if (labels !== undefined) return this.#byQualifiedLabels(labels);
    const short = host.split(".");
    const local = callerNamespace === undefined ? undefined : this.#byQualifiedLabels([...short, callerNamespace]);
    return local ?? this.#byQualifiedLabels(short);
  }

  /**
   * The Service port behind an address: a ClusterIP with a Service port, or an endpoint with the
   * port that its pod listens on.
   *
   * Where endpoints of several Services share address and port, the one that the hint names is
   * taken, then the first by name of the caller's namespace, then, if all of them are of one
   * namespace, the first by name. Undefined else: anybody may write an EndpointSlice with any
   * address.
   */
  byAddress(address: string, port: number, hint: AddressHint = {}): Destination | undefined {
    return this.#addressIndex().find(address, port, hint);
  }

  /** Whether Services of several namespaces have this address and port. */
  isContested(address: string, port: number): boolean {
    return this.#addressIndex().isContested(address, port);
  }

  /** Ready endpoints of a Service port; empty when there is none, or no such port. */
  endpointsOf(service: Service, port: number): EndpointAddress[] {
    const servicePort = service.spec.ports.find((candidate) => candidate.port === port);
    if (servicePort === undefined) return [];
    return this.slicesOf(service).flatMap((slice) => {
      const target = slice.ports?.find(({ name }) => (name ?? "") === (servicePort.name ?? ""))?.port;
      if (target === undefined || target === null) return [];
      return (slice.endpoints ?? []).filter(isReady).flatMap(({ addresses }) => addresses.map((address) => ({ address, port: target })));
    });
  }

  /**
   * The EndpointSlices of a Service, with its endpoints whether ready or not: a pod that starts up
   * already calls others.
   */
  slicesOf(service: Service): readonly EndpointSlice[] {
    return this.#slices.get(service) ?? [];
  }

  /**
   * Made when it is first asked for: it is nine tenths of the work, and while a mesh changes
   * quickly most registries are never asked.
   */
  #addressIndex(): AddressIndex {
    this.#addresses ??= new AddressIndex(this);
    return this.#addresses;
  }

  /**
   * The labels before `svc`, when the host says by its ending that it is of the cluster:
   * `b.test1.svc`, `b.test1.svc.cluster.local`.
   */
  #inCluster(host: string): string | undefined {
    for (const ending of [`.svc.${this.clusterDomain}`, ".svc"]) {
      if (host.endsWith(ending)) return host.slice(0, -ending.length);
    }
    return undefined;
  }

  /** `[service, namespace]`, or `[pod, service, namespace]` for a headless Service. */
  #byQualifiedLabels(labels: readonly string[]): Service | undefined {
    const [name, namespace] = labels.slice(-2);
    if (name === undefined || namespace === undefined || labels.length > 3) return undefined;
    const service = this.service(namespace, name);
    return labels.length === 2 || service?.spec.clusterIP === "None" ? service : undefined;
  }
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready !== false;
}

function byNamespaceAndName(a: Service, b: Service): number {
  return compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name);
}

/**
 * Byte order, the same on every machine: a locale's order would make two replicas render
 * differently.
 */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
