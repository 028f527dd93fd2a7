import type { Service } from "@fenceline/api";
import type { Destination, Registry } from "./registry.ts";

/** What a call to an address says beside it. It decides where several Services have the address. */
export interface AddressHint {
  /** Fully qualified host of the Service that the caller named, by Host or `:authority`. */
  readonly host?: string | undefined;
  /** Namespace of the caller. */
  readonly namespace?: string | undefined;
}

/**
 * Address and port → Service port. Two levels of maps, so that no two pairs can meet in one key.
 *
 * Whoever may write EndpointSlices may claim any address for a Service of their own namespace: a pod of somebody else, or a ClusterIP. So a ClusterIP, which
 * the API server gives to one Service, is nobody else's on any port; and where Services of several namespaces have an address, none is taken because of its
 * name. What the caller named decides, then the caller's own namespace; else it is nobody's.
 */
export class AddressIndex {
  readonly #claims = new Map<string, Map<number, Claims>>();
  readonly #clusterIPs = new Set<string>();

  constructor(registry: Registry) {
    const services = registry.services();
    for (const service of services) this.#addClusterIPs(service, registry.hostOf(service));
    for (const service of services) this.#addEndpoints(service, registry);
  }

  find(address: string, port: number, hint: AddressHint): Destination | undefined {
    return this.#claims.get(address)?.get(port)?.choose(hint);
  }

  /** Whether Services of several namespaces have it. */
  isContested(address: string, port: number): boolean {
    return this.#claims.get(address)?.get(port)?.isContested ?? false;
  }

  #addClusterIPs(service: Service, host: string): void {
    const { clusterIP, clusterIPs = [], ports } = service.spec;
    for (const address of new Set([clusterIP, ...clusterIPs])) {
      if (address === undefined || address === "" || address === "None") continue;
      this.#clusterIPs.add(address);
      for (const { port } of ports) this.#add(address, port, service, { host, port });
    }
  }

  #addEndpoints(service: Service, registry: Registry): void {
    for (const servicePort of service.spec.ports) {
      const destination = { host: registry.hostOf(service), port: servicePort.port };
      for (const { address, port } of registry.allEndpointsOf(service, servicePort))
        if (!this.#clusterIPs.has(address)) this.#add(address, port, service, destination);
    }
  }

  #add(address: string, port: number, { metadata }: Service, destination: Destination): void {
    const ports = this.#claims.get(address) ?? new Map<number, Claims>();
    this.#claims.set(address, ports);
    const known = ports.get(port);
    if (known === undefined) ports.set(port, new Claims(metadata.namespace, destination));
    else known.add(metadata.namespace, destination);
  }
}

/** The Services that have one address and port. Nearly always it is one, and there are as many of these as endpoints, so more is kept only for more. */
class Claims {
  readonly #namespace: string;
  readonly #first: Destination;
  /** By host, and the first of each namespace. */
  #all: { readonly byHost: Map<string, Destination>; readonly byNamespace: Map<string, Destination> } | undefined;

  constructor(namespace: string, first: Destination) {
    this.#namespace = namespace;
    this.#first = first;
  }

  get isContested(): boolean {
    return (this.#all?.byNamespace.size ?? 1) > 1;
  }

  /** Of two ports of one Service that lead to the same address the first counts; for a namespace, the first of its Services by name. */
  add(namespace: string, destination: Destination): void {
    this.#all ??= { byHost: new Map([[this.#first.host, this.#first]]), byNamespace: new Map([[this.#namespace, this.#first]]) };
    const { byHost, byNamespace } = this.#all;
    if (!byHost.has(destination.host)) byHost.set(destination.host, destination);
    if (!byNamespace.has(namespace)) byNamespace.set(namespace, destination);
  }

  choose({ host, namespace }: AddressHint): Destination | undefined {
    if (this.#all === undefined) return this.#first;
    const { byHost, byNamespace } = this.#all;
    const named = byHost.get(host ?? "") ?? byNamespace.get(namespace ?? "");
    return named ?? (this.isContested ? undefined : this.#first);
  }
}
