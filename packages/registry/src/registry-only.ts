/** What decides whether pods of a namespace may reach hosts that Istio does not know. */
export interface OutboundPolicies {
  readonly namespaces: readonly { readonly metadata: { readonly name: string } }[];
  /** Sidecars of others, for whole namespaces. */
  readonly defaultSidecars?:
    | readonly { readonly namespace: string; readonly outbound: "ALLOW_ANY" | "REGISTRY_ONLY" | undefined }[]
    | undefined;
}

/**
 * The namespaces whose default Sidecar says REGISTRY_ONLY; that of the root namespace where a namespace has none.
 *
 * A fence's Sidecar takes the place of the default one for its pods and says nothing of hosts outside of the mesh, so Istio would use the policy of the
 * mesh for them. The fence must not open what the namespace's default closes. Of several defaults Istio takes the oldest; here the strictest counts.
 * One without an `outboundTrafficPolicy` means that of the mesh (Istio, convertToSidecarScope), which the caller's route tells.
 */
export function registryOnlyNamespaces({ namespaces, defaultSidecars = [] }: OutboundPolicies, rootNamespace: string): string[] {
  if (!defaultSidecars.some(isRegistryOnly)) return [];
  const byNamespace = Map.groupBy(defaultSidecars, ({ namespace }) => namespace);
  const root = byNamespace.get(rootNamespace) ?? [];
  const names = new Set([...namespaces.map(({ metadata }) => metadata.name), ...byNamespace.keys()]);
  return [...names].filter((name) => (byNamespace.get(name) ?? root).some(isRegistryOnly));
}

function isRegistryOnly({ outbound }: { readonly outbound: string | undefined }): boolean {
  return outbound === "REGISTRY_ONLY";
}
