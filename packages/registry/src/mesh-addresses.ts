import { isDeepStrictEqual } from "node:util";
import type { EndpointSlice, MeshAddress, Node, Service, ServiceCIDR } from "@fenceline/api";
import {
  ADDRESS_KIND,
  EVERY_FENCE,
  type FenceKey,
  fenceKeyOf,
  formatFenceKey,
  type ObjectChange,
  SERVICE_NAME_LABEL,
} from "@fenceline/api/vocabulary";
import { type Addressed, keyOf, type Statement, statementsOf, statementsOfRanges } from "./address-statements.ts";
import { outsideRanges } from "./pod-ranges.ts";
import type { Registry, RegistryChanges } from "./registry.ts";
import { SuspectEndpoints, sameService } from "./suspect-endpoints.ts";

/** What changed of the objects that addresses are read from. */
export interface AddressedChanges extends RegistryChanges {
  readonly nodes?: readonly ObjectChange<Node>[];
  readonly serviceCIDRs?: readonly ObjectChange<ServiceCIDR>[];
  /** Default: nothing is known of fences, not even that there are none. */
  readonly fences?: readonly ObjectChange<Named>[];
}

/** A fence, as far as it is told. */
interface Named {
  readonly metadata: FenceKey;
  readonly spec?: { readonly serviceAccounts?: readonly string[] | undefined };
}

type SidecarEntries = ReadonlyMap<string, readonly (readonly string[])[]>;

/** The addresses from which kube-proxy leads to a Service. */
const LEADING = ADDRESS_KIND.SERVICE | ADDRESS_KIND.EXTERNAL_IP;

/**
 * What each address of the mesh is, and which of its ports are declared.
 *
 * A change costs a look at the object that changed. A Service is looked at with its slices, whose
 * ports depend on it.
 */
export class MeshAddressBook {
  readonly #ownNamespace: string;
  readonly #registry: () => Registry;
  /** What each object tells. */
  readonly #said = new Map<string, readonly Statement[]>();
  /** What each object tells, by address. Most addresses have one statement. */
  readonly #parts = new Map<string, readonly Statement[]>();
  readonly #suspects = new SuspectEndpoints();
  #policies: ReadonlyMap<string, Statement> = new Map();
  #refused: ReadonlySet<string> = new Set();
  /** Whether some default Sidecar hides hosts: then the Services of an address are told too. */
  #isHiding = false;
  readonly #listeners = new Set<(changed: ReadonlySet<string>) => void>();

  /**
   * @param ownNamespace Fenceline's namespace
   * @param registry up to date before the book is
   * @param podRanges CIDRs that pods have addresses from, beside the `podCIDR`s of nodes. Default:
   * none
   */
  constructor(ownNamespace: string, registry: () => Registry, podRanges: readonly string[] = []) {
    this.#ownNamespace = ownNamespace;
    this.#registry = registry;
    for (const range of statementsOfRanges(podRanges)) this.#replace(undefined, range, new Set());
  }

  get size(): number {
    return this.#parts.size;
  }

  get(address: string): MeshAddress | undefined {
    const parts = this.#parts.get(address);
    return parts === undefined ? undefined : this.#told(address, parts);
  }

  /** All addresses, lazily. If one changes meanwhile, it is given in its new state, or left out. */
  *addresses(): Generator<MeshAddress> {
    for (const [address, parts] of this.#parts) yield this.#told(address, parts);
  }

  /**
   * An address of a pod that is in no range of pods. One such address means that the ranges do not
   * tell where pods are. Undefined where there is none.
   */
  podOutsideRanges(): string | undefined {
    return outsideRanges(this.#parts);
  }

  /** Calls `listener` with the addresses of each change, until the returned function is called. */
  onChange(listener: (changed: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes over what changed.
   *
   * @param outbound namespaces whose pods reach only registered hosts, see `outboundEntries`.
   * Default: as before
   * @param refused calls that policies refuse, see `refusedTexts`. Default: as before
   * @param sidecars what default Sidecars show, see `sidecarEntries`. Default: they hide nothing,
   * or as before without `outbound`
   */
  apply(
    changes: AddressedChanges,
    outbound?: ReadonlyMap<string, number>,
    refused?: ReadonlySet<string>,
    sidecars: SidecarEntries = new Map(),
  ): void {
    const changed = new Set<string>();
    const { services = [], endpointSlices = [], nodes = [], serviceCIDRs = [] } = changes;
    const slices = new Map(endpointSlices.flatMap(({ before, after }) => withKeys(after ?? before, after)));
    for (const { before, after } of services) {
      for (const slice of slicesOf(this.#registry(), after ?? before)) slices.set(keyOf(slice), slice);
    }
    for (const { before, after } of [...services, ...nodes, ...serviceCIDRs] as readonly ObjectChange<Addressed>[]) {
      for (const [key, object] of withKeys(after ?? before, after)) this.#say(key, object, changed);
    }
    for (const [key, slice] of slices) this.#say(key, slice, changed);
    for (const address of [...changed]) this.#lookBehind(address, changed);
    if (outbound !== undefined) this.#setPolicies(policyStatements(outbound, sidecars), sidecars.size > 0, changed);
    if (changes.fences !== undefined) this.#setFences(changes.fences, changed);
    this.#setRefused(refused, changed);
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed);
  }

  #say(key: string, object: Addressed | undefined, changed: Set<string>): void {
    const before = new Map(this.#said.get(key)?.map((part) => [part.address, part]));
    const stated = object === undefined ? [] : mergedByAddress(statementsOf(object, this.#serviceOf(object), this.#ownNamespace));
    // Equal statements stay: of a slice with a hundred addresses most often one is new.
    const after = stated.map((part) => {
      const known = before.get(part.address);
      return known !== undefined && isSame(known, part) ? known : part;
    });
    if (after.length === 0) this.#said.delete(key);
    else this.#said.set(key, after);
    for (const part of after) {
      const known = before.get(part.address);
      before.delete(part.address);
      if (known !== part) this.#replace(known, part, changed);
    }
    for (const part of before.values()) this.#replace(part, undefined, changed);
  }

  #told(address: string, parts: readonly Statement[]): MeshAddress {
    const { kinds, ports } = merged(address, parts);
    if (kinds & ADDRESS_KIND.FENCE) return { address, kinds, ports, ...(parts[0]?.accounts && { accounts: parts[0].accounts }) };
    const sidecars = parts.find((part) => part.sidecars !== undefined)?.sidecars;
    // Nobody may call these, whatever is behind them.
    if (kinds & (ADDRESS_KIND.OWN | ADDRESS_KIND.API_SERVER)) return { address, kinds, ports };
    const leadsTo = this.#suspects.behind(parts.flatMap(({ kinds, of }) => (kinds & LEADING && of ? of.service : [])));
    const hosts = this.#isHiding ? this.#hostsOf(parts) : [];
    return {
      address,
      kinds,
      ports,
      ...(leadsTo.length > 0 && { leadsTo }),
      ...(sidecars && { sidecars }),
      ...(hosts.length > 0 && { hosts }),
    };
  }

  /** The kind of an address changed, or who leads there. So did the ClusterIPs that lead there. */
  #lookBehind(address: string, changed: Set<string>): void {
    const parts = this.#parts.get(address) ?? [];
    const kinds = parts.reduce((all, part) => all | part.kinds, 0);
    const ways = parts.flatMap(({ kinds, of }) => (kinds & ADDRESS_KIND.ENDPOINT && of ? of : []));
    for (const service of this.#suspects.review(address, kinds, ways))
      for (const part of this.#said.get(service) ?? []) changed.add(part.address);
  }

  #serviceOf(object: Addressed): Service | undefined {
    if (object.kind !== "EndpointSlice") return undefined;
    const { namespace, labels } = object.metadata;
    return this.#registry().service(namespace, labels[SERVICE_NAME_LABEL] ?? "");
  }

  #setPolicies(stated: readonly Statement[], isHiding: boolean, changed: Set<string>): void {
    const before = this.#policies;
    const policies = new Map<string, Statement>();
    for (const part of stated) {
      const known = before.get(part.address);
      policies.set(part.address, known !== undefined && isSamePolicy(known, part) ? known : part);
    }
    for (const [namespace, part] of before) if (policies.get(namespace) !== part) this.#replace(part, undefined, changed);
    for (const [namespace, part] of policies) if (before.get(namespace) !== part) this.#replace(undefined, part, changed);
    this.#policies = policies;
    if (isHiding === this.#isHiding) return;
    this.#isHiding = isHiding;
    for (const [address, parts] of this.#parts) if (parts.some(({ owner }) => owner !== undefined)) changed.add(address);
  }

  /** The hosts of the Services that have the address. */
  #hostsOf(parts: readonly Statement[]): readonly string[] {
    const owners = new Set(parts.flatMap(({ owner }) => owner ?? []));
    return [...owners].sort().map((owner) => {
      const [namespace, name] = owner.split("/");
      return `${namespace}/${name}.${namespace}.svc.${this.#registry().clusterDomain}`;
    });
  }

  /** Only whether a fence exists counts, and for whom: its status changes all the time. */
  #setFences(fences: readonly ObjectChange<Named>[], changed: Set<string>): void {
    this.#setNamed(EVERY_FENCE, ADDRESS_KIND.FENCE, true, changed);
    for (const { before, after } of fences) {
      const named = after ?? before;
      if (named === undefined) continue;
      const accounts = after?.spec?.serviceAccounts;
      this.#setNamed(formatFenceKey(fenceKeyOf(named)), ADDRESS_KIND.FENCE, after !== undefined, changed, accounts);
    }
  }

  #setRefused(refused: ReadonlySet<string> | undefined, changed: Set<string>): void {
    if (refused === undefined) return;
    for (const text of this.#refused) if (!refused.has(text)) this.#setNamed(text, ADDRESS_KIND.REFUSED_CALLS, false, changed);
    for (const text of refused) this.#setNamed(text, ADDRESS_KIND.REFUSED_CALLS, true, changed);
    this.#refused = refused;
  }

  #setNamed(name: string, kinds: number, isThere: boolean, changed: Set<string>, accounts?: readonly string[]): void {
    const [known] = this.#parts.get(name) ?? [];
    if ((known !== undefined) === isThere && isDeepStrictEqual(known?.accounts, accounts)) return;
    const named = { address: name, kinds, ports: [], of: undefined, ...(accounts && { accounts }) };
    this.#replace(known, isThere ? named : undefined, changed);
  }

  /** Replaces one statement about an address by another. */
  #replace(before: Statement | undefined, after: Statement | undefined, changed: Set<string>): void {
    const address = (after ?? before)?.address;
    if (address === undefined) return;
    changed.add(address);
    const others = this.#parts.get(address)?.filter((part) => part !== before) ?? [];
    // Not by push, which reserves room for 16 more, at each of thousands of addresses.
    const parts = after === undefined ? others : others.length === 0 ? [after] : [...others, after];
    if (parts.length === 0) this.#parts.delete(address);
    else this.#parts.set(address, parts);
  }
}

/** One statement for each namespace for which any of them tells something. */
function policyStatements(outbound: ReadonlyMap<string, number>, entries: SidecarEntries): readonly Statement[] {
  return [...new Set([...outbound.keys(), ...entries.keys()])].map((address) => {
    const sidecars = entries.get(address);
    const kinds = (outbound.get(address) ?? 0) | (sidecars === undefined ? 0 : ADDRESS_KIND.DEFAULT_SIDECARS);
    return { address, kinds, ports: [], of: undefined, ...(sidecars !== undefined && sidecars.length > 0 && { sidecars }) };
  });
}

function isSamePolicy(one: Statement, other: Statement): boolean {
  return one.kinds === other.kinds && isDeepStrictEqual(one.sidecars, other.sidecars);
}

function withKeys<O extends Addressed>(named: O | undefined, object: O | undefined): readonly (readonly [string, O | undefined])[] {
  return named === undefined ? [] : [[keyOf(named), object]];
}

function slicesOf(registry: Registry, service: Service | undefined): readonly EndpointSlice[] {
  return service === undefined ? [] : registry.slicesOf(service);
}

/** One statement for each address: an object may name an address twice. */
function mergedByAddress(statements: readonly Statement[]): readonly Statement[] {
  const byAddress = Map.groupBy(statements, ({ address }) => address);
  return byAddress.size === statements.length ? statements : [...byAddress].map(([address, parts]) => merged(address, parts));
}

function isSame(one: Statement, other: Statement): boolean {
  const samePorts = one.ports.length === other.ports.length && one.ports.every((port, at) => port === other.ports[at]);
  return one.kinds === other.kinds && one.owner === other.owner && samePorts && sameService(one.of, other.of);
}

function merged(address: string, parts: readonly Statement[]): Statement {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const kinds = parts.reduce((all, part) => all | part.kinds, 0);
  const ports = [...new Set(parts.flatMap((part) => part.ports))].sort((a, b) => a - b);
  return { address, kinds, ports, of: first?.of, owner: first?.owner };
}
