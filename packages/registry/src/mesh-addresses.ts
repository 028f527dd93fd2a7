import type { EndpointSlice, MeshAddress, Node, Service, ServiceCIDR } from "@fenceline/api";
import { ADDRESS_KIND, SERVICE_NAME_LABEL } from "@fenceline/api/vocabulary";
import { canonicalAddress } from "./authority.ts";

/**
 * The objects that addresses are read from. One that did not change must be the same object as
 * before.
 */
export interface AddressedObjects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly nodes?: readonly Node[] | undefined;
  readonly serviceCIDRs?: readonly ServiceCIDR[] | undefined;
  /** Whose pods reach nothing but registered hosts, as `outboundEntries` tells. */
  readonly outbound?: ReadonlyMap<string, number> | undefined;
}

/**
 * A Service with its slices, a node or a range of Services: what says something of addresses
 * together.
 */
interface Group {
  readonly objects: readonly (Service | EndpointSlice | Node | ServiceCIDR)[];
  readonly parts: readonly MeshAddress[];
}

/**
 * What each address of the mesh is, and which of its ports are declared.
 *
 * A change costs a comparison of each object with the one before by identity, and work for the
 * Services, nodes and ranges only that changed.
 */
export class MeshAddressBook {
  readonly #ownNamespace: string;
  #groups = new Map<string, Group>();
  /** By address, what each group says of it. Most have one. */
  readonly #parts = new Map<string, readonly MeshAddress[]>();
  #policies: ReadonlyMap<string, MeshAddress> = new Map();
  readonly #listeners = new Set<(changed: ReadonlySet<string>) => void>();

  /** @param ownNamespace Fenceline's namespace */
  constructor(ownNamespace: string) {
    this.#ownNamespace = ownNamespace;
  }

  get size(): number {
    return this.#parts.size;
  }

  get(address: string): MeshAddress | undefined {
    const parts = this.#parts.get(address);
    return parts === undefined ? undefined : merged(address, parts);
  }

  /**
   * All addresses, lazily: those that change meanwhile are given as they are when their turn comes,
   * or left out.
   */
  *addresses(): Generator<MeshAddress> {
    for (const [address, parts] of this.#parts) yield merged(address, parts);
  }

  /** Calls `listener` with the addresses of each change, until the returned function is called. */
  onChange(listener: (changed: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes a new view of the objects. */
  refresh(objects: AddressedObjects): void {
    const changed = new Set<string>();
    const groups = new Map<string, Group>();
    for (const [key, members] of grouped(objects)) {
      const before = this.#groups.get(key);
      if (before !== undefined && isSame(before.objects, members)) {
        groups.set(key, before);
        continue;
      }
      const group = { objects: members, parts: partsOf(members, this.#ownNamespace) };
      groups.set(key, group);
      this.#replace(before?.parts ?? [], group.parts, changed);
    }
    this.#refreshPolicies(objects.outbound ?? new Map(), changed);
    for (const [key, { parts }] of this.#groups) if (!groups.has(key)) this.#replace(parts, [], changed);
    this.#groups = groups;
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed);
  }

  #refreshPolicies(outbound: ReadonlyMap<string, number>, changed: Set<string>): void {
    const before = this.#policies;
    const policies = new Map<string, MeshAddress>();
    for (const [namespace, kinds] of outbound) {
      const known = before.get(namespace);
      policies.set(namespace, known?.kinds === kinds ? known : { address: namespace, kinds, ports: [] });
    }
    for (const [namespace, part] of before) if (policies.get(namespace) !== part) this.#replace([part], [], changed);
    for (const [namespace, part] of policies) if (before.get(namespace) !== part) this.#replace([], [part], changed);
    this.#policies = policies;
  }

  #replace(before: readonly MeshAddress[], after: readonly MeshAddress[], changed: Set<string>): void {
    for (const part of before) {
      changed.add(part.address);
      const rest = (this.#parts.get(part.address) ?? []).filter((each) => each !== part);
      if (rest.length > 0) this.#parts.set(part.address, rest);
      else this.#parts.delete(part.address);
    }
    for (const part of after) {
      changed.add(part.address);
      this.#parts.set(part.address, [...(this.#parts.get(part.address) ?? []), part]);
    }
  }
}

/** The objects by what they say something of. */
function grouped({ services, endpointSlices, nodes = [], serviceCIDRs = [] }: AddressedObjects): Map<string, Group["objects"][number][]> {
  const groups = new Map<string, Group["objects"][number][]>();
  for (const service of services) groups.set(`${service.metadata.namespace}/${service.metadata.name}`, [service]);
  for (const slice of endpointSlices) {
    const { namespace, name, labels } = slice.metadata;
    const service = labels[SERVICE_NAME_LABEL];
    // No Service has such a name, so a slice without one stands for itself.
    const key = service === undefined ? `${namespace}/ ${name}` : `${namespace}/${service}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  for (const node of nodes) groups.set(node.metadata.name, [node]);
  for (const range of serviceCIDRs) groups.set(` ${range.metadata.name}`, [range]);
  return groups;
}

function partsOf(objects: Group["objects"], ownNamespace: string): MeshAddress[] {
  const service = objects.find((object) => object.kind === "Service");
  const statements = objects.flatMap((object) => statementsOf(object, service, ownNamespace));
  const byAddress = Map.groupBy(statements, ({ address }) => address);
  return [...byAddress].map(([address, parts]) => merged(address, parts));
}

/** What one object says. @param service that it belongs to, if it is a slice */
function statementsOf(object: Group["objects"][number], service: Service | undefined, ownNamespace: string): MeshAddress[] {
  if (object.kind === "Node")
    return [...stated(nodeAddresses(object), ADDRESS_KIND.NODE, []), ...stated(podRanges(object), ADDRESS_KIND.POD_RANGE, [])];
  if (object.kind === "ServiceCIDR") return stated(object.spec?.cidrs ?? [], ADDRESS_KIND.POD_RANGE, []);
  const marks = marksOf(service ?? object, ownNamespace);
  if (object.kind === "Service") return stated(clusterIPs(object), ADDRESS_KIND.SERVICE | marks, servicePorts(object));
  if (object.addressType === "FQDN") return [];
  const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
  return stated(addresses, ADDRESS_KIND.ENDPOINT | marks, endpointPorts(object, service));
}

function stated(addresses: readonly string[], kinds: number, ports: readonly number[]): MeshAddress[] {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  return addresses.map((address) => ({ address: canonicalAddress(address), kinds, ports: sorted }));
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

function servicePorts({ spec }: Service): number[] {
  return spec.ports.flatMap(({ port, protocol }) => (protocol === "TCP" ? port : []));
}

/**
 * Ports of a slice nobody declared where its Service is gone. Of a headless Service callers dial
 * the pod by the Service's own port, too.
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
 * A plugin that hands out addresses by itself leaves these fields empty, or alone (Calico's and
 * Cilium's own IPAM, the clouds').
 */
function podRanges({ spec }: Node): string[] {
  return [...new Set([spec?.podCIDR, ...(spec?.podCIDRs ?? [])])].flatMap((range) => (range == null || range === "" ? [] : range));
}

function isSame(before: Group["objects"], now: Group["objects"]): boolean {
  return before.length === now.length && before.every((object, at) => object === now[at]);
}

function merged(address: string, parts: readonly MeshAddress[]): MeshAddress {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const kinds = parts.reduce((all, part) => all | part.kinds, 0);
  return { address, kinds, ports: [...new Set(parts.flatMap(({ ports }) => ports))].sort((a, b) => a - b) };
}
