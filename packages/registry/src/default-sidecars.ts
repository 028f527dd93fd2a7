import { WHOLE_MESH } from "@fenceline/api/vocabulary";

/** A Sidecar of others for a whole namespace. */
interface DefaultSidecar {
  readonly namespace: string;
  /** The hosts that it shows, in its own notation. Default: everything. */
  readonly egressHosts?: readonly string[];
}

/**
 * Most characters that are sent for one namespace, some 1,000 exact hosts. So nobody can fill the
 * memory of the global sidecar by writing Sidecars.
 */
const MOST_CHARACTERS = 65_536;

/**
 * What default Sidecars show, for everybody who must not show more. By namespace it gives the hosts
 * that each Sidecar names; one entry for the whole mesh has those of the root namespaces. A
 * namespace with default Sidecars of its own has an entry that replaces that one, without hosts
 * where they hide nothing. Empty where no Sidecar hides anything.
 *
 * If there are several default Sidecars, Istio uses the oldest; here each counts, as for fences.
 * Sidecars that name more than {@link MOST_CHARACTERS} in a namespace show nothing.
 */
export function sidecarEntries(
  sidecars: readonly DefaultSidecar[],
  rootNamespaces: readonly string[],
): ReadonlyMap<string, readonly (readonly string[])[]> {
  const hostsOf = (of: readonly DefaultSidecar[]) =>
    bounded(of.flatMap(({ egressHosts }) => (egressHosts === undefined ? [] : [egressHosts])));
  const ofMesh = hostsOf(sidecars.filter(({ namespace }) => rootNamespaces.includes(namespace)));
  const entries = new Map(ofMesh.length === 0 ? [] : [[WHOLE_MESH, ofMesh]]);
  for (const [namespace, own] of Map.groupBy(sidecars, (each) => each.namespace)) {
    const hosts = hostsOf(own);
    if (hosts.length > 0 || ofMesh.length > 0) entries.set(namespace, hosts);
  }
  return entries;
}

function bounded(hosts: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const characters = hosts.flat().reduce((sum, host) => sum + host.length, 0);
  return characters > MOST_CHARACTERS ? [[]] : hosts;
}
