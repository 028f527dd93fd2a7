/** What the global sidecar is told about addresses and namespaces of the mesh. */
import { ENDPOINT_SLICE, NODE, SERVICE, SERVICE_CIDR, SERVICE_FENCE } from "@fenceline/api";
import { type AddressedChanges, outboundEntries, sidecarEntries } from "@fenceline/registry";
import type { MeshChanges, MeshSnapshot } from "@fenceline/store";
import type { Mesh } from "./mesh.ts";

/** What is told to the global sidecar about namespaces. */
interface ToldPolicies {
  /** Namespaces whose pods reach only registered hosts. */
  readonly outbound: ReturnType<typeof outboundEntries>;
  /** What default Sidecars show to pods. */
  readonly sidecars: ReturnType<typeof sidecarEntries>;
}

export function toldPolicies({ defaultSidecars = [] }: MeshSnapshot, { controlPlanes, rootNamespaces, config }: Mesh): ToldPolicies {
  const { rootNamespace, istioNamespace } = config;
  const outbound = outboundEntries({ defaultSidecars, controlPlanes }, rootNamespace ?? istioNamespace);
  return { outbound, sidecars: sidecarEntries(defaultSidecars, rootNamespaces) };
}

/** Changes of the objects that determine addresses. */
export function addressedIn({ of }: Pick<MeshChanges, "of">): AddressedChanges {
  const fences = of(SERVICE_FENCE);
  return { services: of(SERVICE), endpointSlices: of(ENDPOINT_SLICE), nodes: of(NODE), serviceCIDRs: of(SERVICE_CIDR), fences };
}
