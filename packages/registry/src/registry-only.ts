import { ADDRESS_KIND, WHOLE_MESH } from "@fenceline/api/vocabulary";

type OutboundMode = "ALLOW_ANY" | "REGISTRY_ONLY";

/** What decides whether pods of a namespace may reach hosts that Istio does not know. */
export interface OutboundPolicies {
  /** Sidecars of others, for whole namespaces. */
  readonly defaultSidecars?: readonly { readonly namespace: string; readonly outbound: OutboundMode | undefined }[] | undefined;
  /**
   * One for each control plane; none where that is not known, which counts as one with Istio's
   * default, ALLOW_ANY.
   */
  readonly controlPlanes?: readonly ControlPlane[];
}

/** Of one control plane's MeshConfig what decides. */
export interface ControlPlane {
  readonly outbound: OutboundMode | undefined;
  readonly rootNamespace: string;
}

/**
 * Who is REGISTRY_ONLY: namespaces by name, or the whole mesh as one entry with the namespaces that
 * are not as ALLOW_ANY.
 *
 * A namespace's default Sidecar goes before that of the root namespace, and either before
 * MeshConfig. A Sidecar without an `outboundTrafficPolicy` means MeshConfig's (Istio,
 * convertToSidecarScope). Of several defaults Istio takes the oldest; here the strictest counts.
 *
 * A fence's Sidecar takes the place of the default one for its pods, with its policy. The fallback
 * must not open what that closes.
 *
 * Of several control planes any may be the one of a pod: its own label `istio.io/rev` goes before
 * its namespace's, either may be a tag that is moved, and a certificate tells no label. So what one
 * of them closes is closed.
 */
export function outboundEntries(
  { defaultSidecars = [], controlPlanes = [] }: OutboundPolicies,
  rootNamespace: string,
): Map<string, number> {
  const planes = controlPlanes.length > 0 ? controlPlanes : [{ outbound: undefined, rootNamespace }];
  const byNamespace = Map.groupBy(defaultSidecars, ({ namespace }) => namespace);
  const isClosed = (namespace?: string) =>
    planes.some((plane) => {
      const sidecars = (namespace === undefined ? undefined : byNamespace.get(namespace)) ?? byNamespace.get(plane.rootNamespace);
      return (sidecars ?? [plane]).some(({ outbound }) => (outbound ?? plane.outbound) === "REGISTRY_ONLY");
    });
  const isMeshClosed = isClosed();
  const { REGISTRY_ONLY, ALLOW_ANY } = ADDRESS_KIND;
  const exceptions = [...byNamespace.keys()].filter((namespace) => isClosed(namespace) !== isMeshClosed);
  const entries = exceptions.map((namespace): [string, number] => [namespace, isMeshClosed ? ALLOW_ANY : REGISTRY_ONLY]);
  return new Map(isMeshClosed ? [[WHOLE_MESH, REGISTRY_ONLY], ...entries] : entries);
}
