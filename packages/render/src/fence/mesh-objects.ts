import { hostOfEgress, type ServiceEntryMode } from "@fenceline/api";
import { includesHost, type MeshHostLookup, type ServiceLookup } from "@fenceline/registry";
import { boundedHosts, type NamespacedHost, type SharedHost, sharedHost } from "./bounded-hosts.ts";

/** What ServiceEntries and VirtualServices make of the hosts of one fence. */
export interface MeshObjectsInput {
  /** Of the fence. */
  readonly namespace: string;
  readonly registry: ServiceLookup;
  readonly meshHosts: MeshHostLookup;
}

/** A list that many fences share, as each namespace has it. */
class SharedLists<Source extends object, List> {
  readonly #lists = new WeakMap<Source, Map<string, { readonly version: number; readonly list: List }>>();

  of(source: Source, key: string, version: number, make: () => List): List {
    const byKey = this.#lists.get(source) ?? new Map<string, { readonly version: number; readonly list: List }>();
    this.#lists.set(source, byKey);
    const known = byKey.get(key);
    if (known?.version === version) return known.list;
    const list = make();
    byKey.set(key, { version, list });
    return list;
  }
}

const hostLists = new SharedLists<readonly NamespacedHost[], readonly SharedHost[]>();
const routeLists = new SharedLists<readonly NamespacedHost[], readonly SharedHost[]>();

/**
 * Hosts of ServiceEntries that a fence shows whether or not they were called: those that its
 * namespace sees, except for those that it may learn.
 *
 * Hidden, such a host is missing in the DNS of the proxy, and its TLS origination or its way by an
 * egress gateway is skipped. Where there are too many, a namespace is shown as a whole: its
 * VirtualServices are in force without a fence, too.
 */
export function entryHosts(mode: ServiceEntryMode, { namespace, meshHosts }: MeshObjectsInput): readonly SharedHost[] {
  const all = meshHosts.entriesVisibleTo(namespace);
  return hostLists.of(all, mode, 0, () => shared(mode === "Visible" ? all : all.filter(({ isLearnable }) => !isLearnable)));
}

/** Hosts that VirtualServices alone have. Nobody could learn one: calls to it end at others. */
export function routedOnlyHosts({ namespace, meshHosts }: MeshObjectsInput): readonly SharedHost[] {
  const hosts = meshHosts.routesVisibleTo(namespace);
  return hostLists.of(hosts, "", 0, () => shared(hosts));
}

/** Services of Istio and of ours. Their number needs no limit, since nobody else may make them. */
export function systemHosts(hosts: readonly NamespacedHost[]): readonly SharedHost[] {
  return hostLists.of(hosts, "", 0, () => hosts.map((host) => sharedHost("mesh", host)));
}

function shared(hosts: readonly NamespacedHost[]): readonly SharedHost[] {
  return boundedHosts(hosts, () => "*").map((host) => sharedHost("mesh", host));
}

/**
 * What a Sidecar must name beside a host so that a call to it goes as without a fence: the host in
 * each namespace whose VirtualService is in force, and all hosts that these may send the call to.
 *
 * A Sidecar imports a VirtualService only from a namespace that it names one of its hosts with
 * (istio/istio#37691). A DestinationRule needs no such entry.
 */
export function routesOf(host: string, input: MeshObjectsInput): readonly string[] {
  const routes = heededRoutes(host, input);
  if (routes.length === 0) return [];
  const destinations = new Set(routes.flatMap((each) => each.destinations));
  destinations.delete(host);
  return [
    ...routes.map((each) => `${each.namespace}/${host}`),
    // A destination may be called by its own name, too, and then has its own routes.
    ...[...destinations].flatMap((destination) => [
      ...placesOf(destination, input),
      ...heededRoutes(destination, input).map((each) => `${each.namespace}/${destination}`),
    ]),
  ];
}

type HostRoutes = ReturnType<MeshHostLookup["routesFor"]>[number];

/** Most destinations for one host of VirtualServices in the caller's namespace and the host's. */
const MOST_OWN_DESTINATIONS = 1_000;
/** And of all others, which anybody may export to everybody. */
const MOST_OTHER_DESTINATIONS = 200;

/**
 * The VirtualServices that have a say. One with more destinations than there is room for has none:
 * a part of them would have calls fail that it sends to the rest.
 */
function heededRoutes(host: string, { namespace, registry, meshHosts }: MeshObjectsInput): readonly HostRoutes[] {
  const routes = meshHosts.routesFor(host, namespace);
  if (routes.length === 0) return routes;
  const own = [namespace, registry.namespaceOf(host)];
  const [ours, others] = [true, false].map((isOwn) => routes.filter((each) => own.includes(each.namespace) === isOwn));
  const taken = new Set([...withinRoom(ours ?? [], MOST_OWN_DESTINATIONS), ...withinRoom(others ?? [], MOST_OTHER_DESTINATIONS)]);
  return routes.filter((each) => taken.has(each));
}

/** Those with the fewest destinations come first: nobody is shut out by one who has many. */
function withinRoom(routes: readonly HostRoutes[], most: number): readonly HostRoutes[] {
  let room = most;
  return routes
    .toSorted((one, other) => one.destinations.length - other.destinations.length)
    .filter(({ destinations }) => {
      const fits = destinations.length <= room;
      if (fits) room -= destinations.length;
      return fits;
    });
}

/** The same for a list of hosts that all fences show; it is worked out once for each namespace. */
export function routesOfShared(hosts: readonly SharedHost[], input: MeshObjectsInput): readonly SharedHost[] {
  const { namespace, registry, meshHosts } = input;
  return routeLists.of(hosts, namespace, meshHosts.version, () => {
    const unrecorded = { namespace, registry, meshHosts: meshHosts.unrecorded };
    const routes = hosts.flatMap(({ namespace: owner, host }) => routesOf(patternOf(owner, host, registry), unrecorded));
    return [...new Set(routes)].map((egress) => sharedHost("mesh", splitEgress(egress)));
  });
}

function splitEgress(egress: string): NamespacedHost {
  const host = hostOfEgress(egress);
  return { namespace: egress.slice(0, -host.length - 1), host };
}

/** Where a host is registered, as a Sidecar names it; nowhere where nobody knows it. */
export function placesOf(host: string, { namespace, registry, meshHosts }: MeshObjectsInput): readonly string[] {
  const own = registry.namespaceOf(host);
  const entries = meshHosts.entriesFor(host, namespace);
  // A Sidecar imports a wildcard of a ServiceEntry by the wildcard, or by a wider one.
  const named = entries.map((entry) => `${entry.namespace}/${includesHost(entry.host, host) ? entry.host : host}`);
  return [...(own === undefined ? [] : [`${own}/${host}`]), ...named];
}

/** The hosts that a whole namespace of Services stands for. */
export function patternOf(namespace: string, host: string, { clusterDomain }: Pick<ServiceLookup, "clusterDomain">): string {
  return host === "*" ? `*.${namespace}.svc.${clusterDomain}` : host;
}
