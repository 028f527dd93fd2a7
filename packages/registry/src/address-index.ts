import type { EndpointSlice, Service } from "@fenceline/api";
import { compareText } from "@fenceline/api/vocabulary";
import { canonicalAddress } from "./authority.ts";
import type { Destination } from "./destination.ts";
import { placeIn } from "./place-in.ts";
import { isHeadless, tcpPortsOf, tcpTargetsOf } from "./service-ports.ts";

/** What a call to an address says beside it. It decides where several Services have the address. */
export interface AddressHint {
  /** Fully qualified host of the Service that the caller named, by Host or `:authority`. */
  readonly host?: string | undefined;
  /** Namespace of the caller. */
  readonly namespace?: string | undefined;
  /**
   * Whether a headless Service goes before others of its namespace. Whoever calls a pod by its own
   * address goes past every ClusterIP, and an Envoy knows the address from a headless Service only.
   */
  readonly prefersHeadless?: boolean;
}

/** Whose a claim is. */
interface Claimant {
  readonly namespace: string;
  readonly service: string;
  /** Undefined for a ClusterIP. */
  readonly slice: string | undefined;
}

/**
 * What one Service has at each of some addresses: port → Service port. Shared by all addresses of a
 * slice, which may be many thousands.
 */
interface Claim extends Claimant {
  readonly isHeadless: boolean;
  readonly ports: ReadonlyMap<number, Destination>;
}

/**
 * Most claims of one namespace on one address that count. Pods of more Services than that are taken
 * for one of the first by name.
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
 * each pair of the two: an address has claims, one for each slice that names it. A change of a
 * slice costs a look at the addresses of this slice.
 *
 * Addresses are compared in their canonical form: Kubernetes takes `fd00:0::1` in an EndpointSlice,
 * and whoever calls `fd00::1` means the same pod.
 */
export class AddressIndex {
  /** By address, in order: those by a ClusterIP first, then by namespace, Service and slice. */
  readonly #claims = new Map<string, Claim[]>();
  /** Of an address whose claims do not all count, those that do; since its last change. */
  readonly #counting = new Map<string, readonly Claim[]>();

  /**
   * Of two ports of one Service that lead to the same address the first counts; for a namespace,
   * the first of its Services by name, or of its headless ones where these are preferred.
   */
  find(address: string, port: number, { host, namespace, prefersHeadless = false }: AddressHint): Destination | undefined {
    let first: Destination | undefined;
    let own: Destination | undefined;
    let firstHeadless: Destination | undefined;
    let ownHeadless: Destination | undefined;
    for (const claim of this.#countingAt(address)) {
      const destination = claim.ports.get(port);
      if (destination === undefined) continue;
      if (destination.host === host) return destination;
      const isOwn = claim.namespace === namespace;
      first ??= destination;
      if (isOwn) own ??= destination;
      if (!claim.isHeadless || !prefersHeadless) continue;
      firstHeadless ??= destination;
      if (isOwn) ownHeadless ??= destination;
    }
    return ownHeadless ?? own ?? (this.isContested(address, port) ? undefined : (firstHeadless ?? first));
  }

  /** Whether Services of several namespaces have it. */
  isContested(address: string, port: number): boolean {
    const claims = this.#countingAt(address);
    if (claims.length < 2) return false;
    const first = claims.find(({ ports }) => ports.has(port));
    return claims.some(({ namespace, ports }) => namespace !== first?.namespace && ports.has(port));
  }

  /** @param host of the Service */
  add(service: Service, slices: readonly EndpointSlice[], host: string): void {
    const ports = new Map(tcpPortsOf(service).map(({ port }) => [port, { host, port }]));
    const claim = { ...claimantOf(service), ports, isHeadless: false };
    for (const address of clusterIPsOf(service)) this.#add(address, claim);
    for (const slice of slices) this.addSlice(service, slice, host);
  }

  /** The Service and its slices as they were added. */
  remove(service: Service, slices: readonly EndpointSlice[]): void {
    for (const address of clusterIPsOf(service)) this.#remove(address, claimantOf(service));
    for (const slice of slices) this.removeSlice(service, slice);
  }

  /** @param host of the Service */
  addSlice(service: Service, slice: EndpointSlice, host: string): void {
    const ports = portsOf(slice, service, host);
    if (ports.size === 0) return;
    const claim = { ...claimantOf(service, slice), ports, isHeadless: isHeadless(service) };
    for (const address of addressesOf(slice)) this.#add(address, claim);
  }

  /** The Service and the slice as they were added. */
  removeSlice(service: Service, slice: EndpointSlice): void {
    const claimant = claimantOf(service, slice);
    for (const address of addressesOf(slice)) this.#remove(address, claimant);
  }

  #add(address: string, claim: Claim): void {
    const claims = this.#claims.get(address);
    this.#counting.delete(address);
    if (claims === undefined) this.#claims.set(address, [claim]);
    else claims.splice(placeOf(claims, claim), 0, claim);
  }

  #remove(address: string, claimant: Claimant): void {
    const claims = this.#claims.get(address);
    if (claims === undefined) return;
    const place = placeOf(claims, claimant);
    const found = claims[place];
    if (found === undefined || compareClaimants(found, claimant) !== 0) return;
    this.#counting.delete(address);
    if (claims.length === 1) this.#claims.delete(address);
    else claims.splice(place, 1);
  }

  #countingAt(text: string): readonly Claim[] {
    // The usual spelling is the canonical one, which takes microseconds to find.
    const address = this.#claims.has(text) ? text : canonicalAddress(text);
    const claims = this.#claims.get(address) ?? [];
    const hasOneSort = claims[0]?.slice !== undefined || claims.at(-1)?.slice === undefined;
    if (hasOneSort && claims.length <= CLAIMS_PER_NAMESPACE) return claims;
    const counting = this.#counting.get(address) ?? countingOf(claims);
    this.#counting.set(address, counting);
    return counting;
  }
}

/** The ClusterIPs' claims alone, if there are any; and of each namespace the first ones. */
function countingOf(claims: readonly Claim[]): readonly Claim[] {
  const hasClusterIP = claims[0]?.slice === undefined;
  const counts = new Map<string, number>();
  return claims.filter(({ namespace, slice }) => {
    if (hasClusterIP && slice !== undefined) return false;
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    return count <= CLAIMS_PER_NAMESPACE;
  });
}

function claimantOf({ metadata: { namespace, name } }: Service, slice?: EndpointSlice): Claimant {
  return { namespace, service: name, slice: slice?.metadata.name };
}

function placeOf(claims: readonly Claim[], claimant: Claimant): number {
  return placeIn(claims, (claim) => compareClaimants(claim, claimant));
}

function compareClaimants(a: Claimant, b: Claimant): number {
  return (
    Number(a.slice !== undefined) - Number(b.slice !== undefined) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.service, b.service) ||
    compareText(a.slice ?? "", b.slice ?? "")
  );
}

function clusterIPsOf({ spec: { clusterIP, clusterIPs = [] } }: Service): readonly string[] {
  const all = new Set([clusterIP, ...clusterIPs]);
  return [
    ...new Set(
      [...all].flatMap((address) => (address === undefined || address === "" || address === "None" ? [] : canonicalAddress(address))),
    ),
  ];
}

function addressesOf({ endpoints }: EndpointSlice): ReadonlySet<string> {
  return new Set(endpoints?.flatMap(({ addresses }) => addresses.map(canonicalAddress)));
}

/** What the TCP ports of a slice's pods lead to, in the order of the Service's ports. */
function portsOf(slice: EndpointSlice, service: Service, host: string): Map<number, Destination> {
  const targets = tcpTargetsOf(slice);
  const found = new Map<number, Destination>();
  for (const { name = "", port } of tcpPortsOf(service)) {
    const target = targets.get(name);
    if (target !== undefined && !found.has(target)) found.set(target, { host, port });
  }
  return found;
}
