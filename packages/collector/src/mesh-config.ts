/** The MeshConfigs of all control planes together, since any of these may be a pod's. */
import type { Config } from "@fenceline/api";
import { type ControlPlane, type ExportDefaults, unitedDefaults } from "@fenceline/registry";
import type { MeshConfig } from "@fenceline/store";

/** Who sees objects without `exportTo`. */
export function exportDefaults(meshConfigs: readonly MeshConfig[]): ExportDefaults {
  return {
    serviceEntries: unitedDefaults(meshConfigs.map(({ serviceExportTo }) => serviceExportTo)),
    virtualServices: unitedDefaults(meshConfigs.map(({ virtualServiceExportTo }) => virtualServiceExportTo)),
  };
}

/**
 * Where policies for every pod and default Sidecars are: the root namespaces of all control planes,
 * or the configured one while no MeshConfig is known.
 */
export function rootNamespacesOf(controlPlanes: readonly ControlPlane[], config: Config): readonly string[] {
  return controlPlanes.length === 0
    ? [config.rootNamespace ?? config.istioNamespace]
    : [...new Set(controlPlanes.map(({ rootNamespace }) => rootNamespace))];
}

/**
 * If the configuration and MeshConfig name different root namespaces, a default Sidecar in either
 * may be the one that counts.
 */
export function controlPlanesOf({ outbound, rootNamespace: told }: MeshConfig, { rootNamespace, istioNamespace }: Config): ControlPlane[] {
  const roots = new Set([rootNamespace, told].filter((root) => root !== undefined));
  if (roots.size === 0) roots.add(istioNamespace);
  return [...roots].map((root) => ({ outbound, rootNamespace: root }));
}
