import { type Labels, type ServiceFence, type SystemConfig, shortened, systemNamespaces } from "@fenceline/api";

/** Why nothing is rendered for a fence. */
export interface RenderRefusal {
  readonly reason: "Conflict" | "NamespaceReserved" | "SelectorInvalid" | "TooManyHosts";
  /** What is wrong, and what to do. */
  readonly message: string;
}

/**
 * A label as Kubernetes takes it: an optional prefix and a name; a value of at most 63 characters.
 */
const LABEL_KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Whether an object can have this label. */
export function isLabel(key: string, value: string): boolean {
  return LABEL_KEY.test(key) && LABEL_VALUE.test(value);
}

/**
 * Bytes of the hosts of one Sidecar. etcd takes objects of 1.5 MiB, and field ownership repeats a
 * part of them.
 */
const MAX_HOST_BYTES = 1024 * 1024;

/**
 * Why a Sidecar with these hosts cannot be written; undefined when it can. A part of them would
 * hide what the fence asks for.
 */
export function hostsRefusal(hosts: readonly string[]): RenderRefusal | undefined {
  const bytes = bytesOf(hosts);
  if (bytes <= MAX_HOST_BYTES) return undefined;
  const size = `${hosts.length} hosts with ${bytes} characters`;
  const advice = "name fewer of them, or whole namespaces in spec.namespaceSelector, or take enforcement off: so many hosts hide little";
  return {
    reason: "TooManyHosts",
    message: `the fence shows ${size}, and a Sidecar takes ${MAX_HOST_BYTES}; its workload sees everything: ${advice}`,
  };
}

/** Whether the API server takes a Sidecar with these hosts. */
export function fitsInSidecar(hosts: readonly string[]): boolean {
  return bytesOf(hosts) <= MAX_HOST_BYTES;
}

function bytesOf(hosts: readonly string[]): number {
  let bytes = 0;
  for (const host of hosts) bytes += host.length;
  return bytes;
}

/**
 * Why a fence in this namespace would reach beyond one workload, whatever its selector says;
 * undefined when it does not.
 *
 * Istio applies what stands in its root namespace to the selected pods of every namespace: one
 * careless fence there would redirect, or blind, the whole mesh. In Fenceline's namespace are the
 * global sidecar and the collector. A fence that takes their pods hides from the fallback what it
 * has to forward to. By name, by label or by a broad selector: none of it is worth telling apart,
 * because nothing else should run there. EnvoyFilters of other namespaces cannot select their pods.
 */
export function namespaceRefusal({ metadata: { namespace, name } }: ServiceFence, config: SystemConfig): RenderRefusal | undefined {
  if (!systemNamespaces(config).has(namespace)) return undefined;
  const whose =
    namespace === config.namespace
      ? "Fenceline's own, and a fence there could hide the mesh from the global sidecar"
      : "Istio's, and what is rendered there may be for pods of every namespace";
  const message = `namespace ${namespace} is ${whose}: delete ServiceFence ${namespace}/${name}, and make it in the namespace of its workload`;
  return { reason: "NamespaceReserved", message };
}

/**
 * Why a selector does not name a workload; undefined when it does. With no label that has a value
 * it may be for every pod of the namespace: Istio reads an empty selector so, and has compared a
 * label that a pod lacks as an empty one.
 */
export function selectorRefusal(labels: Labels): RenderRefusal | undefined {
  const entries = Object.entries(labels);
  const wrong = entries.find(([key, value]) => !isLabel(key, value));
  const fault =
    wrong !== undefined
      ? `no pod can have the label ${quoted(wrong[0])}: ${quoted(wrong[1])}`
      : entries.every(([, value]) => value === "")
        ? "it has no label with a value, and would be for pods that nobody named"
        : undefined;
  if (fault === undefined) return undefined;
  return { reason: "SelectorInvalid", message: `the fence's selector names no workload: ${fault}; set spec.workloadSelector.labels` };
}

/** A label that pods may have is shown whole. */
const LONGEST_LABEL = 317;

function quoted(text: string): string {
  return JSON.stringify(shortened(text, LONGEST_LABEL));
}

/**
 * Of two fences for the same pods one is in force: Istio would use one of their Sidecars, and say
 * nothing.
 */
export function rivalRefusal(rival: string | undefined): RenderRefusal | undefined {
  if (rival === undefined) return undefined;
  const advice = "nothing is rendered for this one: delete one of them, or have them select other pods";
  return { reason: "Conflict", message: `fence ${rival} is for the same pods and comes first, by age and then by name; ${advice}` };
}
