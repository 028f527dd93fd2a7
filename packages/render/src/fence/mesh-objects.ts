import type { ServiceEntryMode } from "@fenceline/api";
import { boundedHosts, type NamespacedHost, type SharedHost, sharedHost, splitEgress } from "./bounded-hosts.ts";
import { type MeshObjectsInput, patternOf, routesOf } from "./host-routes.ts";

/** Lists that many fences share, one for each namespace. */
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
 * If such a host were hidden, the DNS of the proxy would not have it, and its TLS origination or
 * its route through an egress gateway would be skipped. Where there are too many, a namespace is
 * shown as a whole: its VirtualServices are in force without a fence, too.
 */
export function entryHosts(mode: ServiceEntryMode, { namespace, meshHosts }: MeshObjectsInput): readonly SharedHost[] {
  const all = meshHosts.entriesVisibleTo(namespace);
  return hostLists.of(all, mode, 0, () => shared(mode === "Visible" ? all : all.filter(({ isLearnable }) => !isLearnable)));
}

/** Hosts that only VirtualServices have. They cannot be learned: calls to them end at others. */
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

/** {@link routesOf} a list of hosts that all fences show, computed once for each namespace. */
export function routesOfShared(hosts: readonly SharedHost[], input: MeshObjectsInput): readonly SharedHost[] {
  const { namespace, registry, meshHosts } = input;
  return routeLists.of(hosts, namespace, meshHosts.version, () => {
    const unrecorded = { namespace, registry, meshHosts: meshHosts.unrecorded };
    const patterns = hosts.map(({ namespace: owner, host }) => patternOf(owner, host, registry));
    const routes = [...routesOf(patterns, unrecorded).values()].flatMap(({ also }) => also);
    return [...new Set(routes)].map((egress) => sharedHost("mesh", splitEgress(egress)));
  });
}
