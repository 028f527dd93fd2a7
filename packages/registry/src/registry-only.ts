import { ADDRESS_KIND, WHOLE_MESH } from "@fenceline/api/vocabulary";

type OutboundMode = "ALLOW_ANY" | "REGISTRY_ONLY";

/** What decides whether pods of a namespace may reach hosts that Istio does not know. */
export interface OutboundPolicies {
  /** Sidecars of others, for whole namespaces. */
  readonly defaultSidecars?: readonly { readonly namespace: string; readonly outbound: OutboundMode | undefined }[] | undefined;
  /** Of MeshConfig; undefined where that is not known, which counts as Istio's default, ALLOW_ANY. */
  readonly meshOutbound?: OutboundMode | undefined;
}

/**
 * Who is REGISTRY_ONLY: namespaces by name, or the whole mesh as one entry with the namespaces that are not as ALLOW_ANY.
 *
 * A namespace's default Sidecar goes before that of the root namespace, and either before MeshConfig. A Sidecar without an `outboundTrafficPolicy` means
 * MeshConfig's (Istio, convertToSidecarScope). Of several defaults Istio takes the oldest; here the strictest counts.
 *
 * A fence's Sidecar takes the place of the default one for its pods and says nothing of hosts outside of the mesh, so Istio would use MeshConfig's policy
 * for them. The fence must not open what the namespace's default closes.
 */
export function outboundEntries({ defaultSidecars = [], meshOutbound }: OutboundPolicies, rootNamespace: string): Map<string, number> {
  const isClosed = (sidecars: typeof defaultSidecars) => sidecars.some(({ outbound }) => (outbound ?? meshOutbound) === "REGISTRY_ONLY");
  const byNamespace = Map.groupBy(defaultSidecars, ({ namespace }) => namespace);
  const root = byNamespace.get(rootNamespace);
  const isMeshClosed = root === undefined ? meshOutbound === "REGISTRY_ONLY" : isClosed(root);
  const { REGISTRY_ONLY, ALLOW_ANY } = ADDRESS_KIND;
  const exceptions = [...byNamespace].filter(([, sidecars]) => isClosed(sidecars) !== isMeshClosed);
  const entries = exceptions.map(([namespace]): [string, number] => [namespace, isMeshClosed ? ALLOW_ANY : REGISTRY_ONLY]);
  return new Map(isMeshClosed ? [[WHOLE_MESH, REGISTRY_ONLY], ...entries] : entries);
}
