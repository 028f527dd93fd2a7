import { WHOLE_MESH } from "@fenceline/api/vocabulary";

/** A Sidecar of others for a whole namespace. */
interface DefaultSidecar {
  readonly namespace: string;
  /** What it shows, as it names it. Default: everything. */
  readonly egressHosts?: readonly string[];
}

/**
 * Most characters that are told of a namespace, so that whoever may write its Sidecars fills no
 * memory of the global sidecar's: some 1,000 exact hosts.
 */
const MOST_CHARACTERS = 65_536;

/**
 * What default Sidecars show, for those who have to keep within it: by namespace the hosts that
 * each one names, and of the whole mesh as one entry those of the root namespaces. A namespace that
 * has its own is in it in place of these, with none where its own hide nothing. Empty where nobody
 * hides anything.
 *
 * Of several default Sidecars Istio takes the oldest; here each counts, as for fences. Those that
 * name more than {@link MOST_CHARACTERS} in a namespace show nothing.
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
