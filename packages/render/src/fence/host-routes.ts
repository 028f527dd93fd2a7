import { includesHost, type MeshHostLookup, type ServiceLookup } from "@fenceline/registry";
import { type NamespacedHost, splitEgress } from "./bounded-hosts.ts";
import { type Addition, withRoom } from "./strangers-room.ts";

/** What ServiceEntries and VirtualServices make of the hosts of one fence. */
export interface MeshObjectsInput {
  /** Of the fence. */
  readonly namespace: string;
  readonly registry: ServiceLookup;
  readonly meshHosts: MeshHostLookup;
}

/** What VirtualServices make of one host. */
export interface RoutedTo {
  /** As a Sidecar names it. */
  readonly also: readonly string[];
  /** Namespaces whose VirtualServices for the host have no say, for want of room. */
  readonly unheeded: readonly string[];
}

type HostRoutes = ReturnType<MeshHostLookup["routesFor"]>[number];

/**
 * What a Sidecar must name beside each of the hosts so that a call to it goes as without a fence:
 * the host in each namespace whose VirtualService is in force, and all hosts that these may send
 * the call to. What strangers add to the hosts shares one room.
 *
 * A Sidecar imports a VirtualService only from a namespace that it names one of its hosts with
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

/** Of a destination, or of what has its namespace already. */
function entriesOf(name: string, input: MeshObjectsInput): readonly string[] {
  return name.includes("/") ? [name] : [...ownEntriesOf(name, input), ...importsOf(name, heededRoutes(name, input).others)];
}

/** A destination may be called by its own name, too, and then has its own routes. */
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
/** And of all others, which anybody may export to everybody. */
const MOST_OTHER_DESTINATIONS = 200;

/** VirtualServices that have a say in calls to a host. */
interface HeededRoutes {
  /** Of the caller's namespace and the host's. */
  readonly own: readonly HostRoutes[];
  readonly others: readonly HostRoutes[];
  /** Those that have none: the host has no room for their destinations. */
  readonly unheeded: readonly HostRoutes[];
}

const NO_ROUTES: HeededRoutes = { own: [], others: [], unheeded: [] };

/**
 * The VirtualServices that have a say. One with more destinations than there is room for has none:
 * a part of them would have calls fail that it sends to the rest.
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

/** Where a host is registered, as a Sidecar names it; nowhere where nobody knows it. */
export function placesOf(host: string, { namespace, registry, meshHosts }: MeshObjectsInput): readonly string[] {
  const own = registry.namespaceOf(host);
  const entries = meshHosts.entriesFor(host, namespace);
  // A Sidecar imports a wildcard of a ServiceEntry by the wildcard, or by a wider one.
  const named = entries.map((entry) => `${entry.namespace}/${includesHost(entry.host, host) ? entry.host : host}`);
  return [...(own === undefined ? [] : [`${own}/${host}`]), ...named];
}

/** Of the places of a host those in other namespaces than the caller's and its own. */
export function strangersOf(host: string, places: readonly string[], { namespace, registry }: MeshObjectsInput): readonly NamespacedHost[] {
  const owners = [namespace, registry.namespaceOf(host)];
  return places.map(splitEgress).filter((place) => !owners.includes(place.namespace));
}

/** The hosts that a whole namespace of Services stands for. */
export function patternOf(namespace: string, host: string, { clusterDomain }: Pick<ServiceLookup, "clusterDomain">): string {
  return host === "*" ? `*.${namespace}.svc.${clusterDomain}` : host;
}
