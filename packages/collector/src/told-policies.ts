import { outboundEntries, sidecarEntries } from "@fenceline/registry";
import type { MeshSnapshot } from "@fenceline/store";
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
