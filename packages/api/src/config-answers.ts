import type { Config } from "./config.ts";
import type { MeshKind } from "./kinds/kind.ts";
import { podsLabelled } from "./kinds/pod.ts";
import { MESH_KINDS } from "./kinds/table.ts";

/** What decides which namespaces are Istio's and Fenceline's own. */
export interface SystemConfig extends Pick<Config, "namespace" | "istioNamespace" | "rootNamespace"> {
  /**
   * What the MeshConfigs say, one for each control plane. A `rootNamespace` that disagrees with
   * them may be a mistake, so it makes none of them harmless.
   */
  readonly meshRootNamespaces?: readonly string[];
}

/**
 * Namespaces in which no workload is fenced: Fenceline's own, Istio's, and every one that may be a
 * root namespace of Istio's.
 */
export function systemNamespaces({
  namespace,
  istioNamespace,
  rootNamespace = istioNamespace,
  meshRootNamespaces = [],
}: SystemConfig): ReadonlySet<string> {
  return new Set([namespace, istioNamespace, rootNamespace, ...meshRootNamespaces]);
}

/** Where Istio keeps its MeshConfigs: at least one, none twice. */
export function meshConfigMapsOf({
  istioNamespace,
  meshConfigMaps = [],
  meshConfigMap,
}: Pick<Config, "istioNamespace" | "meshConfigMaps" | "meshConfigMap">): readonly { readonly namespace: string; readonly name: string }[] {
  const named = [...meshConfigMaps, ...(meshConfigMap === undefined ? [] : [meshConfigMap])];
  const names = new Set(named.length === 0 ? ["istio"] : named);
  return [...names].map((name) => ({ namespace: istioNamespace, name }));
}

/** The trust domains whose identities are believed. */
export function trustDomainsOf({ trustDomain, trustDomainAliases }: Pick<Config, "trustDomain" | "trustDomainAliases">): readonly string[] {
  return [trustDomain, ...trustDomainAliases];
}

/**
 * The kinds that are only read: those of the table, and pods where fences are made for the values
 * of a label of theirs.
 */
export function meshKindsFor({ automaticFences: { create, podLabel } }: Pick<Config, "automaticFences">): readonly MeshKind[] {
  return create === "Off" || podLabel.key === "" ? MESH_KINDS : [...MESH_KINDS, podsLabelled(podLabel.key)];
}
