import {
  compareText,
  EVERYTHING,
  type HostSource,
  type RecyclingStrategy,
  type ServiceEntryMode,
  type ServiceFence,
  timestampMs,
} from "@fenceline/api";
import { type MeshHostLookup, MeshHosts, type RequiredHost, type ServiceLookup } from "@fenceline/registry";
import type { NamespacedHost } from "./bounded-hosts.ts";
import type { DomainAliases } from "./domain-aliases.ts";
import { type MeshObjectsInput, patternOf, placesOf, routesOf, strangersOf } from "./host-routes.ts";
import { LabelSelectors } from "./label-selectors.ts";
import { entryHosts, routedOnlyHosts, routesOfShared, systemHosts } from "./mesh-objects.ts";
import { isNamespaceEntry } from "./selector-remarks.ts";
import { tcpHosts } from "./tcp-hosts.ts";
import { withWholeNamespaces } from "./whole-namespaces.ts";

/** A host of the fence in the book of edges: learned, preloaded or imported. */
export interface BookedHost {
  readonly host: string;
  readonly source: HostSource;
}

/** One host that a fence shows to its workload. */
export interface EgressHost {
  /** `<namespace>/<fqdn>`, with `*` where the namespace is not known, or `<namespace>/*`. */
  readonly egress: string;
  /**
   * What must be shown with it, in a Sidecar's notation: the same host in other namespaces whose
   * VirtualServices are in force for calls to it, and the destinations of these. Default: nothing.
   */
  readonly also?: readonly string[];
  /** Key in the fence's status: the host as it is known to users. */
  readonly host: string;
  /**
   * `tcp`: shown because connections to it could not be redirected. `mesh`: shown because a
   * ServiceEntry or a VirtualService has it. Every fence shows these, so they are not in its
   * status.
   */
  readonly source: HostSource | "tcp" | "mesh";
  /** Why proxies need the host, in addition to its source. Default: they do not. */
  readonly requiredBy?: readonly string[];
  /** Namespaces whose VirtualServices for it are ignored for want of room. Default: none. */
  readonly unheeded?: readonly string[];
  /**
   * Its deadline has passed, so it is not rendered any more. It stays in the status, so that a
   * reader sees why.
   */
  readonly expired: boolean;
}

/** The state of a fence at one moment. */
export interface FenceInput {
  readonly fence: ServiceFence;
  readonly booked: readonly BookedHost[];
  readonly registry: ServiceLookup;
  /** ServiceEntries and VirtualServices. Default: there are none. */
  readonly meshHosts?: MeshHostLookup;
  /** How hosts of ServiceEntries are treated. Default `Visible`. */
  readonly serviceEntries?: ServiceEntryMode;
  /**
   * Services that every fence shows one by one: Istio's and ours. Default: their namespaces are
   * shown as a whole.
   */
  readonly system?: readonly NamespacedHost[];
  /** Hosts that its proxies need, whatever the workload calls. Default: none. */
  readonly required?: readonly RequiredHost[];
  /** Hosts that the configuration shows to every fence. Default: none. */
  readonly stable?: readonly string[];
  /** Hosts that are shown together with others. Default: none. */
  readonly aliases?: DomainAliases | undefined;
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/**
 * Every host of a fence, by status key. The first reason that is found is the source: what a person
 * wrote comes before what was learned.
 */
export function egressHosts(input: FenceInput): EgressHost[] {
  const mesh = meshObjectsOf(input);
  const { system = NONE } = input;
  const own = new Map<string, EgressHost>();
  for (const host of [...declaredHosts(input, mesh), ...selectedServices(input, mesh), ...bookedHosts(input, mesh)]) {
    const known = own.get(host.host);
    if (known === undefined || known.expired) own.set(host.host, host);
  }
  for (const host of requiredHosts(input, mesh)) own.set(host.host, united(own.get(host.host), host));
  const tcp = tcpHosts(input.fence.spec.tcp, input.registry);
  const named = [...own.values()].map((host) => (host.expired ? host : withAliases(host, input, mesh)));
  const routed = withRoutes([...named, ...stableHosts(input, mesh)], mesh);
  const [hosts, stable] = [new Map(routed.slice(0, own.size).map((host) => [host.host, host])), routed.slice(own.size)];
  for (const host of tcp) if (own.get(host.host)?.expired !== false) hosts.set(host.host, host);
  const beside = [systemHosts(system), entryHosts(input.serviceEntries ?? "Visible", mesh), routedOnlyHosts(mesh)];
  const routes = [tcp, ...beside].flatMap((shared) => routesOfShared(shared, mesh));
  return [...[...hosts.values()].sort((a, b) => compareText(a.host, b.host)), ...stable, ...beside.flat(), ...routes];
}

const NONE: readonly NamespacedHost[] = [];
const NO_MESH_HOSTS = new MeshHosts();

function meshObjectsOf({ fence, registry, meshHosts = NO_MESH_HOSTS }: FenceInput): MeshObjectsInput {
  return { namespace: fence.metadata.namespace, registry, meshHosts };
}

/** Every fence shows them, so they are not in its status, and they do not age. */
function stableHosts({ fence, registry, stable = [] }: FenceInput, mesh: MeshObjectsInput): EgressHost[] {
  return stable.map((key) => {
    const host = toEgress(statusKey(key, fence.metadata.namespace, registry), mesh);
    return { ...host, source: "mesh", expired: false };
  });
}

/** For `<namespace>/*` the aliases of each existing Service. */
function withAliases(host: EgressHost, { registry, aliases }: FenceInput, mesh: MeshObjectsInput): EgressHost {
  if (aliases === undefined || aliases.isEmpty) return host;
  const named = host.host.endsWith("/*")
    ? registry.servicesIn(host.host.slice(0, -2)).map((service) => registry.hostOf(service))
    : [host.host];
  const others = named.flatMap((name) => aliases.of(name)).map((alias) => toEgress(alias, mesh).egress);
  return others.length === 0 ? host : { ...host, also: [...(host.also ?? []), ...others] };
}

/** `<namespace>/*` stands for every Service of it. Beside everything nothing has to be added. */
function withRoutes(hosts: readonly EgressHost[], mesh: MeshObjectsInput): readonly EgressHost[] {
  const patterns = hosts.map(({ host, egress, expired }) => {
    if (expired || egress === EVERYTHING) return undefined;
    return host.endsWith("/*") ? patternOf(host.slice(0, -2), "*", mesh.registry) : host;
  });
  const routes = routesOf(
    patterns.filter((pattern) => pattern !== undefined),
    mesh,
  );
  const strangers: NamespacedHost[] = [];
  const routed = hosts.map((host, index) => {
    const pattern = patterns[index];
    if (pattern === undefined) return host;
    const places = host.host.endsWith("/*") ? [] : placesOf(pattern, mesh);
    strangers.push(...strangersOf(pattern, places, mesh));
    const also = [...(host.also ?? []), ...places, ...(routes.get(pattern)?.also ?? [])];
    const others = [...new Set(also)].filter((egress) => egress !== host.egress);
    const { unheeded = [] } = routes.get(pattern) ?? {};
    return { ...host, ...(others.length > 0 && { also: others }), ...(unheeded.length > 0 && { unheeded }) };
  });
  return withWholeNamespaces(routed, strangers);
}

/** The next deadline that changes what {@link egressHosts} returns; undefined for none. */
export function nextDeadline({ spec }: ServiceFence, now: number): number | undefined {
  const deadlines = Object.values(spec.host).flatMap((strategy) => deadlineOf(strategy) ?? []);
  const coming = deadlines.filter((deadline) => deadline >= now);
  return coming.length === 0 ? undefined : Math.min(...coming) + 1;
}

/**
 * Whether the host ages like a learned one: Slime's `auto` strategy. Then it is in the book of
 * edges until it ages out.
 */
export function agesByUse(strategy: RecyclingStrategy | null | undefined): boolean {
  return !strategy?.stable && !strategy?.deadline && strategy?.auto !== undefined && strategy.auto !== null;
}

/**
 * The full name of the host. A short name in a fence is completed as for a pod of its namespace.
 */
export function statusKey(key: string, namespace: string, registry: ServiceLookup): string {
  if (key.endsWith("/*")) return key;
  const service = registry.resolveHost(key, namespace);
  return service === undefined ? key : registry.hostOf(service);
}

function declaredHosts({ fence, registry, now }: FenceInput, mesh: MeshObjectsInput): EgressHost[] {
  return Object.entries(fence.spec.host)
    .filter(([, strategy]) => !agesByUse(strategy))
    .map(([key, strategy]) => {
      const host = statusKey(key, fence.metadata.namespace, registry);
      const deadline = deadlineOf(strategy);
      return { ...toEgress(host, mesh), source: "static", expired: deadline !== undefined && now > deadline };
    });
}

function selectedServices({ fence, registry }: FenceInput, mesh: MeshObjectsInput): EgressHost[] {
  const namespaces = fence.spec.namespaceSelector.filter(isNamespaceEntry).map((namespace) => `${namespace}/*`);
  const { labelSelector } = fence.spec;
  const selectors = labelSelector.length === 0 ? undefined : new LabelSelectors(labelSelector.map(({ selector }) => selector));
  const services = (selectors === undefined ? [] : registry.services())
    .filter(({ metadata }) => selectors?.take(metadata.labels))
    .map((service) => registry.hostOf(service));
  return [...namespaces, ...services].map((host) => ({ ...toEgress(host, mesh), source: "static", expired: false }));
}

function bookedHosts({ booked }: FenceInput, mesh: MeshObjectsInput): EgressHost[] {
  return booked.map(({ host, source }) => ({ ...toEgress(host, mesh), source, expired: false }));
}

/**
 * Hosts of which proxies need a cluster. istiod looks it up among what is registered, so a host
 * that is not registered has none. A Service may be in another cluster, and its name tells its
 * namespace.
 */
function requiredHosts({ fence, registry, required = [] }: FenceInput, mesh: MeshObjectsInput): EgressHost[] {
  const services = `.svc.${registry.clusterDomain}`;
  return required.flatMap(({ namespace, host: named, by }) => {
    const host = statusKey(named, fence.metadata.namespace, registry);
    const [, owner] = host.endsWith(services) ? host.slice(0, -services.length).split(".") : [];
    const [egress, ...also] = namespace === undefined ? placesOf(host, mesh) : [`${namespace}/${host}`];
    const place = egress ?? (owner === undefined ? undefined : `${owner}/${host}`);
    return place === undefined ? [] : [{ egress: place, also, host, source: "required" as const, expired: false, requiredBy: by }];
  });
}

/** One host that is in a fence for two reasons. While it is needed, it is not expired. */
function united(known: EgressHost | undefined, required: EgressHost): EgressHost {
  if (known === undefined || known.expired) return required;
  const by = [...new Set([...(known.requiredBy ?? []), ...(required.requiredBy ?? [])])];
  return { ...known, also: [...(known.also ?? []), required.egress, ...(required.also ?? [])], requiredBy: by };
}

/** A host that is not registered here may be registered elsewhere, so any namespace may have it. */
function toEgress(host: string, mesh: MeshObjectsInput): Pick<EgressHost, "egress" | "host"> {
  if (host.endsWith("/*")) return { egress: host, host };
  const [place = `*/${host}`] = placesOf(host, mesh);
  return { egress: place, host };
}

/** The strategies are checked in Slime's order: stable, deadline, auto. */
function deadlineOf(strategy: RecyclingStrategy | null | undefined): number | undefined {
  return strategy?.stable ? undefined : timestampMs(strategy?.deadline?.expire);
}
