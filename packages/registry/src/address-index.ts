import type { EndpointSlice, Service } from "@fenceline/api";
import type { Destination } from "./destination.ts";

/** What a call to an address says beside it. It decides where several Services have the address. */
export interface AddressHint {
  /** Fully qualified host of the Service that the caller named, by Host or `:authority`. */
  readonly host?: string | undefined;
  /** Namespace of the caller. */
  readonly namespace?: string | undefined;
}

/** The part of a registry that the index is made from. */
interface ServicesAndSlices {
  services(): readonly Service[];
  slicesOf(service: Service): readonly EndpointSlice[];
  hostOf(service: Service): string;
}

/**
 * What one Service has at each of some addresses: port → Service port. Shared by all addresses of a
 * slice, which may be many thousands.
 */
interface Claim {
  readonly namespace: string;
  readonly ports: ReadonlyMap<number, Destination>;
}

/**
 * Most claims of one namespace on one address. Pods of more Services than that are taken for one of
 * the first by name.
 */
const CLAIMS_PER_NAMESPACE = 64;

/**
 * Address and port → Service port.
 *
 * Whoever may write EndpointSlices may claim any address for a Service of their own namespace: a
 * pod of somebody else, or a ClusterIP. So a ClusterIP, which the API server gives to one Service,
 * is nobody else's on any port; and where Services of several namespaces have an address, none is
 * taken because of its name. What the caller named decides, then the caller's own namespace; else
 * it is nobody's.
 *
 * An EndpointSlice of a megabyte has 100 ports at each of 60,000 addresses. So nothing is kept for
 * each pair of the two: an address has claims, one for each slice that names it.
 */
export class AddressIndex {
  readonly #claims = new Map<string, Claim[]>();
  readonly #clusterIPs = new Set<string>();

  constructor(registry: ServicesAndSlices) {
    const services = registry.services();
    for (const service of services) this.#addClusterIPs(service, registry.hostOf(service));
    for (const service of services) this.#addEndpoints(service, registry);
  }

  /**
   * Of two ports of one Service that lead to the same address the first counts; for a namespace,
   * the first of its Services by name.
   */
  find(address: string, port: number, { host, namespace }: AddressHint): Destination | undefined {
    let first: Destination | undefined;
    let own: Destination | undefined;
    for (const claim of this.#claims.get(address) ?? []) {
      const destination = claim.ports.get(port);
      if (destination === undefined) continue;
      if (destination.host === host) return destination;
      first ??= destination;
      if (claim.namespace === namespace) own ??= destination;
    }
    return own ?? (this.isContested(address, port) ? undefined : first);
  }

  /** Whether Services of several namespaces have it. */
  isContested(address: string, port: number): boolean {
    const claims = this.#claims.get(address) ?? [];
    if (claims.length < 2) return false;
    const first = claims.find(({ ports }) => ports.has(port));
    return claims.some(({ namespace, ports }) => namespace !== first?.namespace && ports.has(port));
  }

  #addClusterIPs(service: Service, host: string): void {
    const { clusterIP, clusterIPs = [], ports } = service.spec;
    const claim = { namespace: service.metadata.namespace, ports: new Map(ports.map(({ port }) => [port, { host, port }])) };
    for (const address of new Set([clusterIP, ...clusterIPs])) {
      if (address === undefined || address === "" || address === "None") continue;
      this.#clusterIPs.add(address);
      this.#add(address, claim);
    }
  }

  #addEndpoints(service: Service, registry: ServicesAndSlices): void {
    const host = registry.hostOf(service);
    const places = new Map(service.spec.ports.map(({ name = "" }, place) => [name, place] as const).reverse());
    for (const slice of registry.slicesOf(service)) {
      const claim = { namespace: service.metadata.namespace, ports: portsOf(slice, places, service, host) };
      if (claim.ports.size === 0) continue;
      for (const { addresses } of slice.endpoints ?? [])
        for (const address of addresses) if (!this.#clusterIPs.has(address)) this.#add(address, claim);
    }
  }

  /** Claims of one namespace come one behind the other, since Services are in order. */
  #add(address: string, claim: Claim): void {
    const claims = this.#claims.get(address);
    if (claims === undefined) this.#claims.set(address, [claim]);
    else if (claims.at(-1) !== claim && claims.at(-CLAIMS_PER_NAMESPACE)?.namespace !== claim.namespace) claims.push(claim);
  }
}

/**
 * What the ports of a slice's pods lead to, in the order of the Service's ports. @param places of
 * the Service's ports, by name
 */
function portsOf({ ports }: EndpointSlice, places: ReadonlyMap<string, number>, { spec }: Service, host: string): Map<number, Destination> {
  const targets = new Map<number, number>();
  for (const { name, port } of [...(ports ?? [])].reverse()) {
    const place = places.get(name ?? "");
    if (place !== undefined && port !== undefined && port !== null) targets.set(place, port);
  }
  const found = new Map<number, Destination>();
  for (const [place, target] of [...targets].sort(([a], [b]) => a - b)) {
    const port = spec.ports[place]?.port;
    if (port !== undefined && !found.has(target)) found.set(target, { host, port });
  }
  return found;
}
