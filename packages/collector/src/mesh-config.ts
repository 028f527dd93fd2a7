/** What the MeshConfigs of all control planes say together: any of these may be a pod's. */
import type { Config } from "@fenceline/api";
import { type ControlPlane, type ExportDefaults, type MeshNeeds, unitedDefaults } from "@fenceline/registry";
import type { MeshConfig } from "@fenceline/store";

/** Who sees objects without `exportTo`. */
export function exportDefaults(meshConfigs: readonly MeshConfig[]): ExportDefaults {
  return {
    serviceEntries: unitedDefaults(meshConfigs.map(({ serviceExportTo }) => serviceExportTo)),
    virtualServices: unitedDefaults(meshConfigs.map(({ virtualServiceExportTo }) => virtualServiceExportTo)),
  };
}

/** What the proxies of every pod need, and where policies for every pod stand. */
export function meshNeeds(meshConfigs: readonly MeshConfig[], { rootNamespace, istioNamespace }: Config): MeshNeeds {
  const told = meshConfigs.length === 0 ? [undefined] : meshConfigs.map((each) => each.rootNamespace);
  return {
    hosts: meshConfigs.flatMap(({ neededHosts = [] }) => neededHosts),
    rootNamespaces: [...new Set([rootNamespace ?? [], told.map((root) => root ?? rootNamespace ?? istioNamespace)].flat())],
  };
}

/**
 * Where the configuration and MeshConfig name different root namespaces, a default Sidecar in
 * either may be the one that counts.
 */
export function controlPlanesOf({ outbound, rootNamespace: told }: MeshConfig, { rootNamespace, istioNamespace }: Config): ControlPlane[] {
  const roots = new Set([rootNamespace, told].filter((root) => root !== undefined));
  if (roots.size === 0) roots.add(istioNamespace);
  return [...roots].map((root) => ({ outbound, rootNamespace: root }));
}
