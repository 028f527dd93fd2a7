import { boundedHosts, type NamespacedHost } from "./bounded-hosts.ts";

const WHOLE = "*";

/** A host of a fence. */
interface Shown {
  /** What is shown with it, in a Sidecar's notation. */
  readonly also?: readonly string[];
}

/**
 * The hosts with what is shown with them, except for other namespaces that are shown as a whole:
 * anybody may export to everybody ServiceEntries for all that a fence learns, and wildcards that
 * include it. The limit is that for hosts which every fence shows. So no host is left out, and
 * VirtualServices of these namespaces are in force.
 *
 * @param strangers what ServiceEntries of other namespaces than the caller's and the host's add
 */
export function withWholeNamespaces<Host extends Shown>(hosts: readonly Host[], strangers: readonly NamespacedHost[]): readonly Host[] {
  const unique = new Map(strangers.map((place) => [`${place.namespace}/${place.host}`, place]));
  const bounded = boundedHosts([...unique.values()], () => WHOLE);
  if (bounded.length === unique.size) return hosts;
  const whole = new Set(bounded.filter(({ host }) => host === WHOLE).map(({ namespace }) => namespace));
  return hosts.map((host) => (host.also === undefined ? host : { ...host, also: shownWhole(host.also, whole) }));
}

function shownWhole(also: readonly string[], whole: ReadonlySet<string>): readonly string[] {
  const shown = also.map((egress) => {
    const namespace = egress.slice(0, egress.indexOf("/"));
    return whole.has(namespace) ? `${namespace}/${WHOLE}` : egress;
  });
  return [...new Set(shown)];
}
