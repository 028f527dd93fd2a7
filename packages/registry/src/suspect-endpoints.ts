import { isIP } from "node:net";
import type { EndpointSlice, Service } from "@fenceline/api";
import { ADDRESS_KIND, compareText, MAX_ENDPOINTS_TOLD, type ServiceEndpoint } from "@fenceline/api/vocabulary";
import { isLoopback, isNeverAService, mayBeOutside } from "./address-classes.ts";

/** A Service with a ClusterIP, and where its ports lead according to one of its slices. */
export interface PortsOfService {
  /** The key of the Service. */
  readonly service: string;
  /**
   * Whether a selector determines the pods behind it. Without one, the endpoints may be outside of
   * the cluster: a database, for example.
   */
  readonly hasSelector: boolean;
  readonly ports: readonly PortWay[];
}

type PortWay = Pick<ServiceEndpoint, "port" | "targetPort">;

/** A way to a suspect address, with the fields by which ways are grouped. */
interface Way extends ServiceEndpoint {
  /** Ways of one group get the same decision. */
  readonly group: string;
  /** Whether each address of the kind needs a decision of its own. */
  readonly isSingle: boolean;
}

/** Kinds of addresses that mean more than that a pod has it. */
const { OWN, API_SERVER, NODE, SERVICE, EXTERNAL_IP } = ADDRESS_KIND;

/**
 * Endpoints behind ClusterIPs that may have to be refused.
 *
 * An EndpointSlice may name any address. Whoever forwards to the ClusterIP does not see which one
 * is used, since kube-proxy or Envoy picks it (T-05). Most endpoints are pods and nothing else.
 * Only addresses that are something else as well are kept here, and the proxy decides about them.
 */
export class SuspectEndpoints {
  readonly #byService = new Map<string, Map<string, readonly Way[]>>();
  /** The Services that lead to each suspect address. */
  readonly #byAddress = new Map<string, readonly string[]>();

  /**
   * Takes over the kinds of an address, and the Services that lead there.
   *
   * @param kinds bits of ADDRESS_KIND
   * @param leading slices of Services with a ClusterIP that name the address
   * @returns the keys of the Services for which something has changed
   */
  review(address: string, kinds: number, leading: readonly PortsOfService[]): string[] {
    const before = this.#byAddress.get(address) ?? [];
    const suspect = leading.filter(({ hasSelector }) => groupOf(address, kinds, hasSelector) !== undefined);
    const byService = Map.groupBy(suspect, ({ service }) => service);
    if (byService.size === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, [...byService.keys()]);
    const gone = before.filter((service) => !byService.has(service));
    for (const service of gone) this.#forget(service, address);
    const changed = [...byService].filter(([service, slices]) => this.#set(service, address, waysTo(address, kinds, slices)));
    return [...gone, ...changed.map(([service]) => service)];
  }

  /** What the proxy has to check before it forwards to a ClusterIP of these Services. */
  behind(services: readonly string[]): ServiceEndpoint[] {
    const ways = services.flatMap((service) => [...(this.#byService.get(service)?.values() ?? [])].flat());
    if (ways.length === 0) return [];
    const one = new Map<string, Way>();
    for (const way of ways) {
      const key = `${way.group} ${way.port} ${way.targetPort}`;
      const known = one.get(key);
      if (known === undefined || way.address < known.address) one.set(key, way);
    }
    // Single ones come first, since a limit must not hide them: there may be thousands of others.
    const sorted = [...one].sort(([a, first], [b, second]) => Number(first.isSingle) - Number(second.isSingle) || compareText(a, b));
    return sorted.slice(0, MAX_ENDPOINTS_TOLD + 1).map(([, { port, address, targetPort }]) => ({ port, address, targetPort }));
  }

  /** @returns whether something changed */
  #set(service: string, address: string, ways: readonly Way[]): boolean {
    const known = this.#byService.get(service);
    if (known === undefined) this.#byService.set(service, new Map([[address, ways]]));
    else if (sameWays(known.get(address) ?? [], ways)) return false;
    else known.set(address, ways);
    return true;
  }

  #forget(service: string, address: string): void {
    const known = this.#byService.get(service);
    known?.delete(address);
    if (known?.size === 0) this.#byService.delete(service);
  }
}

/** Where a Service's TCP ports lead by a slice. Ports match by name, as for kube-proxy. */
export function servicePortsIn(slice: EndpointSlice, service: Service): PortWay[] {
  return service.spec.ports.flatMap(({ port, name, protocol }) => {
    if (protocol !== "TCP") return [];
    const target = slice.ports?.find((each) => (each.name ?? "") === (name ?? ""))?.port;
    return target === undefined || target === null ? [] : { port, targetPort: target };
  });
}

export function sameService(one: PortsOfService | undefined, other: PortsOfService | undefined): boolean {
  return one?.service === other?.service && one?.hasSelector === other?.hasSelector && sameWays(one?.ports ?? [], other?.ports ?? []);
}

function sameWays(one: readonly PortWay[], other: readonly PortWay[]): boolean {
  return one.length === other.length && one.every((way, at) => sameWay(way, other[at]));
}

function sameWay(one: PortWay & { readonly group?: string }, other: (PortWay & { readonly group?: string }) | undefined): boolean {
  return one.port === other?.port && one.targetPort === other.targetPort && one.group === other.group;
}

/**
 * Undefined for an address of a pod. Addresses that are refused, or accepted, for their kind alone
 * form one group: a Service may have every node behind it. Others are decided one by one.
 */
function groupOf(address: string, kinds: number, hasSelector: boolean): string | undefined {
  if (kinds & SERVICE && !(kinds & (OWN | API_SERVER))) return `single ${address}`;
  const marks = kinds & (OWN | API_SERVER | NODE);
  if (marks !== 0) return `kind ${marks | (kinds & EXTERNAL_IP)}`;
  if (kinds & EXTERNAL_IP) return `single ${address}`;
  if (isLoopback(address)) return "loopback";
  if (isIP(address) === 0 || isNeverAService(address)) return "never";
  return !hasSelector && mayBeOutside(address) ? `single ${address}` : undefined;
}

function waysTo(address: string, kinds: number, slices: readonly PortsOfService[]): Way[] {
  return slices.flatMap(({ ports, hasSelector }) => {
    const group = groupOf(address, kinds, hasSelector) ?? "";
    return ports.map((way) => ({ ...way, address, group, isSingle: group.startsWith("single") }));
  });
}
