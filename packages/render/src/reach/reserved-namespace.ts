import { type ObjectRef, type SystemConfig, systemNamespaces } from "@fenceline/api";

/** Why nothing is rendered for an object in its namespace. */
export interface NamespaceRefusal {
  readonly reason: "NamespaceReserved";
  /** What is wrong, and what to do. */
  readonly message: string;
}

/**
 * Why an object of ours in this namespace would reach beyond one workload, whatever its selector
 * says; undefined when it does not.
 *
 * Istio applies what stands in its root namespace to the selected pods of every namespace: one
 * careless object there would redirect, limit, or blind, the whole mesh. In Fenceline's namespace
 * are the global sidecar and the collector: what takes their pods is in the way of everybody's
 * first calls. By name, by label or by a broad selector: none of it is worth telling apart, because
 * nothing else should run there. EnvoyFilters of other namespaces cannot select their pods.
 *
 * @param inOurs what it could do in Fenceline's own namespace
 */
export function reservedNamespace(
  { kind, namespace, name }: ObjectRef,
  inOurs: string,
  config: SystemConfig,
): NamespaceRefusal | undefined {
  if (!systemNamespaces(config).has(namespace)) return undefined;
  const whose =
    namespace === config.namespace
      ? `Fenceline's own, and ${inOurs}`
      : "Istio's, and what is rendered there may be for pods of every namespace";
  const message = `namespace ${namespace} is ${whose}: delete ${kind} ${namespace}/${name}, and make it in the namespace of its workload`;
  return { reason: "NamespaceReserved", message };
}
