import { compareText, hostOfEgress } from "@fenceline/api";

/** A host in a namespace. */
export interface NamespacedHost {
  readonly namespace: string;
  readonly host: string;
}

/** @param egress `<namespace>/<host>` */
export function splitEgress(egress: string): NamespacedHost {
  const host = hostOfEgress(egress);
  return { namespace: egress.slice(0, -host.length - 1), host };
}

/** A host that a fence shows even without a call. The same object for all fences. */
export interface SharedHost extends NamespacedHost {
  /** In a Sidecar's notation. */
  readonly egress: string;
  readonly source: "tcp" | "mesh";
  readonly expired: false;
}

export function sharedHost(source: SharedHost["source"], { namespace, host }: NamespacedHost): SharedHost {
  return { namespace, egress: `${namespace}/${host}`, host, source, expired: false };
}

/**
 * Most hosts of a kind that every fence shows one by one. Each is in the Sidecar of every fence of
 * the mesh, and whoever may make such objects may make thousands.
 */
const MOST_HOSTS = 1_000;
/** Most characters of them: a fence with more than 1 MiB is refused as a whole. */
const MOST_CHARACTERS = 128 * 1024;

/**
 * Beyond {@link MOST_HOSTS} or {@link MOST_CHARACTERS}, the namespaces with the most hosts are
 * shown by one wildcard each, and nothing changes for the other namespaces.
 *
 * @param wildcardOf the host that stands for all of a namespace
 */
export function boundedHosts(hosts: readonly NamespacedHost[], wildcardOf: (namespace: string) => string): readonly NamespacedHost[] {
  let [left, characters] = [hosts.length, charactersOf(hosts)];
  if (left <= MOST_HOSTS && characters <= MOST_CHARACTERS) return hosts;
  const byNamespace = [...Map.groupBy(hosts, ({ namespace }) => namespace)].map(([namespace, own]) => ({
    namespace,
    own,
    size: charactersOf(own),
  }));
  byNamespace.sort((one, other) => other.size - one.size || compareText(one.namespace, other.namespace));
  return byNamespace.flatMap(({ namespace, own, size }) => {
    if ((left <= MOST_HOSTS && characters <= MOST_CHARACTERS) || own.length === 1) return own;
    const wildcard = [{ namespace, host: wildcardOf(namespace) }];
    left -= own.length - 1;
    characters -= size - charactersOf(wildcard);
    return wildcard;
  });
}

function charactersOf(hosts: readonly NamespacedHost[]): number {
  let characters = 0;
  for (const { namespace, host } of hosts) characters += namespace.length + 1 + host.length;
  return characters;
}
