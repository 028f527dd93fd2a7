import type { EndpointSlice, MeshAddress, Node, Service, ServiceCIDR } from "@fenceline/api";
import { ADDRESS_KIND, EVERY_NODE } from "@fenceline/api/vocabulary";
import { objectAddress } from "./authority.ts";
import { type PortsOfService, servicePortsIn } from "./suspect-endpoints.ts";

/** An object that tells something about addresses. */
export type Addressed = Service | EndpointSlice | Node | ServiceCIDR;

/** What one object tells about an address. */
export interface Statement extends MeshAddress {
  /** For a ClusterIP its Service, for an endpoint the Service with a ClusterIP that leads there. */
  readonly of: PortsOfService | undefined;
  /** `namespace/name` of the Service that has the address, if one does. */
  readonly owner?: string | undefined;
}

/** What one object tells. @param service to which it belongs, if it is a slice */
export function statementsOf(object: Addressed, service: Service | undefined, ownNamespace: string): Statement[] {
  if (object.kind === "Node")
    return [...stated(nodeAddresses(object), ADDRESS_KIND.NODE, []), ...stated(podRanges(object), ADDRESS_KIND.POD_RANGE, [])];
  if (object.kind === "ServiceCIDR") return stated(object.spec?.cidrs ?? [], ADDRESS_KIND.POD_RANGE, []);
  const marks = marksOf(service ?? object, ownNamespace);
  if (object.kind === "Service") {
    const of = portsOf(object, []);
    const external = stated(externalAddresses(object), ADDRESS_KIND.EXTERNAL_IP, [], of);
    const nodePorts = object.spec.ports.flatMap(({ nodePort, protocol }) => (protocol === "TCP" && nodePort ? nodePort : []));
    const onNodes = stated(nodePorts.length > 0 ? [EVERY_NODE] : [], ADDRESS_KIND.NODE, nodePorts);
    const own = stated(clusterIPs(object), ADDRESS_KIND.SERVICE | marks, servicePorts(object), of, ownerOf(object));
    return [...own, ...external, ...onNodes];
  }
  if (object.addressType === "FQDN") return [];
  const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
  const isBehind = service !== undefined && clusterIPs(service).length > 0;
  const of = isBehind ? portsOf(service, servicePortsIn(object, service)) : undefined;
  return stated(addresses, ADDRESS_KIND.ENDPOINT | marks, endpointPorts(object, service), of, service && ownerOf(service));
}

/** What the configuration tells of ranges that pods have their addresses from, as CIDRs. */
export function statementsOfRanges(ranges: readonly string[]): Statement[] {
  return stated([...new Set(ranges)], ADDRESS_KIND.POD_RANGE, []);
}

/** Unique for each object. */
export function keyOf({ kind, metadata }: Addressed): string {
  return `${kind} ${"namespace" in metadata ? metadata.namespace : ""}/${metadata.name}`;
}

function portsOf(service: Service, ports: PortsOfService["ports"]): PortsOfService {
  return { service: keyOf(service), hasSelector: Object.keys(service.spec.selector).length > 0, ports };
}

function ownerOf({ metadata: { namespace, name } }: Service): string {
  return `${namespace}/${name}`;
}

function stated(addresses: readonly string[], kinds: number, ports: readonly number[], of?: PortsOfService, owner?: string): Statement[] {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  return addresses.map((address) => ({ address: objectAddress(address), kinds, ports: sorted, of, owner }));
}

function marksOf({ metadata: { namespace, name } }: Service | EndpointSlice, ownNamespace: string): number {
  const own = namespace === ownNamespace ? ADDRESS_KIND.OWN : 0;
  return namespace === "default" && name === "kubernetes" ? own | ADDRESS_KIND.API_SERVER : own;
}

function clusterIPs({ spec: { clusterIP, clusterIPs = [] } }: Service): string[] {
  return [...new Set([clusterIP, ...clusterIPs])].flatMap((address) =>
    address === undefined || address === "" || address === "None" ? [] : address,
  );
}

/** Addresses beside its ClusterIPs at which kube-proxy accepts calls for a Service. */
function externalAddresses({ spec: { externalIPs = [] }, status }: Service): string[] {
  return [...externalIPs, ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip || [])];
}

function servicePorts({ spec }: Service): number[] {
  return spec.ports.flatMap(({ port, protocol }) => (protocol === "TCP" ? port : []));
}

/**
 * If its Service is gone, nobody declared the ports of a slice. Callers of a headless Service also
 * dial its pods by the Service's own port.
 */
function endpointPorts({ ports }: EndpointSlice, service: Service | undefined): number[] {
  if (service === undefined) return [];
  const own = (ports ?? []).flatMap(({ port, protocol }) =>
    port === undefined || port === null || (protocol ?? "TCP") !== "TCP" ? [] : port,
  );
  return service.spec.clusterIP === "None" ? [...own, ...servicePorts(service)] : own;
}

function nodeAddresses({ status }: Node): string[] {
  return (status?.addresses ?? []).flatMap(({ type, address }) => (type === "InternalIP" || type === "ExternalIP" ? address : []));
}

/**
 * A plugin that assigns addresses by itself leaves these fields empty, or does not use them
 * (Calico's and Cilium's own IPAM, the clouds'). The configuration's `podRanges` are for those.
 */
function podRanges({ spec }: Node): string[] {
  return [...new Set([spec?.podCIDR, ...(spec?.podCIDRs ?? [])])].flatMap((range) => (range == null || range === "" ? [] : range));
}
