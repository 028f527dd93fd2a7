import { ADDRESS_KIND, WHOLE_MESH } from "@fenceline/api/vocabulary";

type OutboundMode = "ALLOW_ANY" | "REGISTRY_ONLY";

/** What decides whether pods of a namespace may reach hosts that Istio does not know. */
export interface OutboundPolicies {
  /** Sidecars of others, for whole namespaces. */
  readonly defaultSidecars?: readonly { readonly namespace: string; readonly outbound: OutboundMode | undefined }[] | undefined;
  /**
   * One for each control plane. None where that is not known: it counts as one with Istio's
   * default, ALLOW_ANY.
   */
  readonly controlPlanes?: readonly ControlPlane[];
}

/** The part of one control plane's MeshConfig that decides. */
export interface ControlPlane {
  readonly outbound: OutboundMode | undefined;
  readonly rootNamespace: string;
}

/**
 * Which namespaces are REGISTRY_ONLY: by name, or one entry for the whole mesh, with the other
 * namespaces as ALLOW_ANY.
 *
 * A namespace's default Sidecar wins over that of the root namespace, and either over MeshConfig.
 * For a Sidecar without an `outboundTrafficPolicy` MeshConfig's counts (Istio,
 * convertToSidecarScope). If there are several default Sidecars, Istio uses the oldest; here the
 * strictest counts.
 *
 * For its pods, a fence's Sidecar replaces the default one, and its policy. The fallback must not
 * open what the default closes.
 *
 * If there are several control planes, any of them may be a pod's. Its own label `istio.io/rev`
 * wins over that of its namespace, either may be a tag that is moved, and a certificate shows no
 * label. So what one of them closes is closed.
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
