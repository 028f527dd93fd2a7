import { type ObjectRef, type SystemConfig, systemNamespaces } from "@fenceline/api";

/** Why nothing is rendered for an object in its namespace. */
export interface NamespaceRefusal {
  readonly reason: "NamespaceReserved";
  /** What is wrong, and what to do. */
  readonly message: string;
}

/**
 * Why an object of ours in this namespace would affect more than one workload, whatever its
 * selector is; undefined when it would not.
 *
 * Istio applies objects in its root namespace to the selected pods of every namespace: one careless
 * object there would redirect, limit, or blind the whole mesh. In Fenceline's namespace are the
 * global sidecar and the collector: an object that affects their pods disturbs the first calls of
 * all workloads. It does not matter whether it selects them by name, by label or by a broad
 * selector, because nothing else should run there. EnvoyFilters of other namespaces cannot select
 * their pods.
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
