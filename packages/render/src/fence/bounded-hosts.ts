import { compareText } from "@fenceline/api";

/** A host that a namespace has. */
export interface NamespacedHost {
  readonly namespace: string;
  readonly host: string;
}

/** A host that a fence shows, called or not. The same object for all fences. */
export interface SharedHost extends NamespacedHost {
  /** As a Sidecar names it. */
  readonly egress: string;
  readonly source: "tcp" | "mesh";
  readonly expired: false;
}

export function sharedHost(source: SharedHost["source"], { namespace, host }: NamespacedHost): SharedHost {
  return { namespace, egress: `${namespace}/${host}`, host, source, expired: false };
}

/**
 * Most hosts of a kind that every fence shows one by one. Each stands in the Sidecar of every fence
 * of the mesh, and whoever may make such objects may make thousands.
 */
const MOST_HOSTS = 1_000;

/**
 * Beyond {@link MOST_HOSTS}, the namespaces with the most hosts are shown by one wildcard each, and
 * the other namespaces notice nothing.
 *
 * @param wildcardOf the host that stands for all of a namespace
 */
export function boundedHosts(hosts: readonly NamespacedHost[], wildcardOf: (namespace: string) => string): readonly NamespacedHost[] {
  if (hosts.length <= MOST_HOSTS) return hosts;
  const byNamespace = [...Map.groupBy(hosts, ({ namespace }) => namespace)];
  byNamespace.sort(([first, { length: a }], [second, { length: b }]) => b - a || compareText(first, second));
  let left = hosts.length;
  return byNamespace.flatMap(([namespace, own]) => {
    if (left <= MOST_HOSTS || own.length === 1) return own;
    left -= own.length - 1;
    return [{ namespace, host: wildcardOf(namespace) }];
  });
}
