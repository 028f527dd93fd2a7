import { includesHost, type MeshHostLookup, type ServiceLookup } from "@fenceline/registry";
import { type NamespacedHost, splitEgress } from "./bounded-hosts.ts";
import { type Addition, withRoom } from "./strangers-room.ts";

/** What ServiceEntries and VirtualServices of the mesh mean for the hosts of one fence. */
export interface MeshObjectsInput {
  /** Namespace of the fence. */
  readonly namespace: string;
  readonly registry: ServiceLookup;
  readonly meshHosts: MeshHostLookup;
}

/** What VirtualServices mean for one host. */
export interface RoutedTo {
  /** In a Sidecar's notation. */
  readonly also: readonly string[];
  /** Namespaces whose VirtualServices for the host are ignored because there is no room. */
  readonly unheeded: readonly string[];
}

type HostRoutes = ReturnType<MeshHostLookup["routesFor"]>[number];

/**
 * What a Sidecar must name beside each of the hosts so that a call to it is routed as without a
 * fence: the host in each namespace whose VirtualService is in force, and all hosts to which these
 * may send the call. What other namespaces add to the hosts shares one limit.
 *
 * A Sidecar imports a VirtualService only from a namespace of which it names one of its hosts
 * (istio/istio#37691). A DestinationRule needs no such entry.
 */
export function routesOf(hosts: readonly string[], input: MeshObjectsInput): ReadonlyMap<string, RoutedTo> {
  const found = new Map<string, { also: string[]; unheeded: string[] }>();
  const additions: Addition[] = [];
  for (const host of new Set(hosts)) {
    const { own, others, unheeded } = heededRoutes(host, input);
    if (own.length + others.length + unheeded.length === 0) continue;
    const destinations = destinationsOf(host, own);
    const also = [...importsOf(host, own), ...destinations.flatMap((each) => ownEntriesOf(each, input))];
    found.set(host, { also, unheeded: unheeded.map(({ namespace }) => namespace) });
    for (const route of others)
      additions.push({ host, namespace: route.namespace, names: [...importsOf(host, [route]), ...destinationsOf(host, [route])] });
    for (const each of destinations)
      for (const { namespace } of heededRoutes(each, input).others) additions.push({ host, namespace, names: [`${namespace}/${each}`] });
  }
  const taken = withRoom(additions, (name) => entriesOf(name, input));
  for (const addition of additions) {
    const [routed, entries] = [found.get(addition.host), taken.get(addition)];
    if (entries === undefined) routed?.unheeded.push(addition.namespace);
    else routed?.also.push(...entries);
  }
  return found;
}

/** For a destination, or for a name that has its namespace already. */
function entriesOf(name: string, input: MeshObjectsInput): readonly string[] {
  return name.includes("/") ? [name] : [...ownEntriesOf(name, input), ...importsOf(name, heededRoutes(name, input).others)];
}

/** A destination may also be called by its own name, and then has its own routes. */
function ownEntriesOf(destination: string, input: MeshObjectsInput): readonly string[] {
  return [...placesOf(destination, input), ...importsOf(destination, heededRoutes(destination, input).own)];
}

/** Without the host itself, which is in the fence anyway. */
function destinationsOf(host: string, routes: readonly HostRoutes[]): readonly string[] {
  const destinations = new Set(routes.flatMap((each) => each.destinations));
  destinations.delete(host);
  return [...destinations];
}

function importsOf(host: string, routes: readonly HostRoutes[]): readonly string[] {
  return routes.map(({ namespace }) => `${namespace}/${host}`);
}

/** Most destinations for one host of VirtualServices in the caller's namespace and the host's. */
const MOST_OWN_DESTINATIONS = 1_000;
/** The same for all other VirtualServices, which anybody may export to everybody. */
const MOST_OTHER_DESTINATIONS = 200;

/** VirtualServices that count for calls to a host, and those that do not. */
interface HeededRoutes {
  /** Those of the caller's namespace and the host's. */
  readonly own: readonly HostRoutes[];
  readonly others: readonly HostRoutes[];
  /** Those that are ignored: there is no room for their destinations. */
  readonly unheeded: readonly HostRoutes[];
}

const NO_ROUTES: HeededRoutes = { own: [], others: [], unheeded: [] };

/**
 * The VirtualServices that count. One with more destinations than there is room for is ignored:
 * with a part of them, calls that it sends to the rest would fail.
 */
function heededRoutes(host: string, { namespace, registry, meshHosts }: MeshObjectsInput): HeededRoutes {
  const routes = meshHosts.routesFor(host, namespace);
  if (routes.length === 0) return NO_ROUTES;
  const namespaces = [namespace, registry.namespaceOf(host)];
  const [own = [], others = []] = [true, false].map((isOwn) => routes.filter((each) => namespaces.includes(each.namespace) === isOwn));
  const heeded = { own: withinRoom(own, MOST_OWN_DESTINATIONS), others: withinRoom(others, MOST_OTHER_DESTINATIONS) };
  const taken = new Set([...heeded.own, ...heeded.others]);
  return { ...heeded, unheeded: taken.size === routes.length ? [] : routes.filter((route) => !taken.has(route)) };
}

/** Those with the fewest destinations come first, so that one with many keeps none out. */
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

/** Where a host is registered, in a Sidecar's notation; empty where that is not known. */
export function placesOf(host: string, { namespace, registry, meshHosts }: MeshObjectsInput): readonly string[] {
  const own = registry.namespaceOf(host);
  const entries = meshHosts.entriesFor(host, namespace);
  // A Sidecar imports a wildcard of a ServiceEntry by the same wildcard, or by a wider one.
  const named = entries.map((entry) => `${entry.namespace}/${includesHost(entry.host, host) ? entry.host : host}`);
  return [...(own === undefined ? [] : [`${own}/${host}`]), ...named];
}

/** The places of a host that are in other namespaces than the caller's and the host's own. */
export function strangersOf(host: string, places: readonly string[], { namespace, registry }: MeshObjectsInput): readonly NamespacedHost[] {
  const owners = [namespace, registry.namespaceOf(host)];
  return places.map(splitEgress).filter((place) => !owners.includes(place.namespace));
}

/** The pattern that stands for all Services of a namespace. */
export function patternOf(namespace: string, host: string, { clusterDomain }: Pick<ServiceLookup, "clusterDomain">): string {
  return host === "*" ? `*.${namespace}.svc.${clusterDomain}` : host;
}
