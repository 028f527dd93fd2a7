import type { EndpointSlice, Service } from "@fenceline/api";
import { compareText } from "@fenceline/api/vocabulary";
import { canonicalAddress, objectAddress } from "./authority.ts";
import type { Destination } from "./destination.ts";
import { placeIn } from "./place-in.ts";
import { isHeadless, tcpPortsOf, tcpTargetsOf } from "./service-ports.ts";

/** What is known of a call beside its address. It decides between several Services. */
export interface AddressHint {
  /** Fully qualified host of the Service that the caller named, by Host or `:authority`. */
  readonly host?: string | undefined;
  /** Namespace of the caller. */
  readonly namespace?: string | undefined;
  /**
   * Whether a headless Service is preferred to others of its namespace. A caller that dials a pod's
   * own address does not use a ClusterIP, and an Envoy knows that address only from a headless
   * Service.
   */
  readonly prefersHeadless?: boolean;
}

/** Service and slice of a claim. */
interface Claimant {
  readonly namespace: string;
  readonly service: string;
  /** Undefined for a ClusterIP. */
  readonly slice: string | undefined;
}

/**
 * What one Service has at each of several addresses: port → Service port. All addresses of a slice
 * share it, and there may be many thousands.
 */
interface Claim extends Claimant {
  readonly isHeadless: boolean;
  readonly ports: ReadonlyMap<number, Destination>;
}

/**
 * Most claims of one namespace on one address that count. Where a pod has more Services, only the
 * first ones by name are considered.
 */
const CLAIMS_PER_NAMESPACE = 64;

/**
 * Address and port → Service port.
 *
 * Whoever may write EndpointSlices may claim any address for a Service of their own namespace:
 * another's pod, or a ClusterIP. The API server gives a ClusterIP to one Service, so it belongs to
 * that Service alone, on every port. Where Services of several namespaces have an address, none is
 * chosen by its name. What the caller named decides, then the caller's own namespace; else the
 * address is nobody's.
 *
 * An EndpointSlice of a megabyte has 100 ports at each of 60,000 addresses. So nothing is kept for
 * each pair: an address has one claim for each slice that names it. A change of a slice costs a
 * look at its addresses.
 *
 * Addresses are compared in their canonical form: Kubernetes accepts `fd00:0::1` in an
 * EndpointSlice, and a call to `fd00::1` is for the same pod.
 */
export class AddressIndex {
  /** By address, ordered: claims by ClusterIP first, then by namespace, Service and slice. */
  readonly #claims = new Map<string, Claim[]>();
  /** The claims that count, for addresses where not all do; made since their last change. */
  readonly #counting = new Map<string, readonly Claim[]>();

  /**
   * If two ports of one Service lead to the same address, the first one counts. In a namespace, the
   * first Service by name counts, or the first headless one where these are preferred.
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

  /** Whether Services of several namespaces claim it. */
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

  /** Takes the Service and its slices as they were added. */
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

  /** Takes the Service and the slice as they were added. */
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
    // To find the canonical form takes microseconds, and most texts are in it already.
    const address = this.#claims.has(text) ? text : canonicalAddress(text);
    const claims = this.#claims.get(address) ?? [];
    const hasOneSort = claims[0]?.slice !== undefined || claims.at(-1)?.slice === undefined;
    if (hasOneSort && claims.length <= CLAIMS_PER_NAMESPACE) return claims;
    const counting = this.#counting.get(address) ?? countingOf(claims);
    this.#counting.set(address, counting);
    return counting;
  }
}

/** Only the claims by ClusterIP, if there are any; else the first ones of each namespace. */
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
      [...all].flatMap((address) => (address === undefined || address === "" || address === "None" ? [] : objectAddress(address))),
    ),
  ];
}

function addressesOf({ endpoints }: EndpointSlice): ReadonlySet<string> {
  return new Set(endpoints?.flatMap(({ addresses }) => addresses.map(objectAddress)));
}

/** The Service ports behind the TCP ports of a slice's pods, ordered as in the Service. */
function portsOf(slice: EndpointSlice, service: Service, host: string): Map<number, Destination> {
  const targets = tcpTargetsOf(slice);
  const found = new Map<number, Destination>();
  for (const { name = "", port } of tcpPortsOf(service)) {
    const target = targets.get(name);
    if (target !== undefined && !found.has(target)) found.set(target, { host, port });
  }
  return found;
}
