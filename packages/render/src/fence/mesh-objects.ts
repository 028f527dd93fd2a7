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
 * namespace sees, but for those that it may learn.
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

/** Services of Istio and of ours: however many there are, none of them is for others to make. */
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
  const { namespace, meshHosts } = input;
  const routes = meshHosts.routesFor(host, namespace);
  if (routes.length === 0) return [];
  const destinations = new Set(routes.flatMap((each) => each.destinations));
  destinations.delete(host);
  return [
    ...routes.map((each) => `${each.namespace}/${host}`),
    // A destination may be called by its own name, too, and then has its own routes.
    ...[...destinations].flatMap((destination) => [
      ...placesOf(destination, input),
      ...meshHosts.routesFor(destination, namespace).map((each) => `${each.namespace}/${destination}`),
    ]),
  ];
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
