import type { Labels, ServiceFence, SystemConfig } from "@fenceline/api";
import { reservedNamespace } from "../reach/reserved-namespace.ts";
import { selectorFault } from "../reach/workload-labels.ts";

/** Why nothing is rendered for a fence. */
export interface RenderRefusal {
  readonly reason: "Conflict" | "NamespaceReserved" | "SelectorInvalid" | "TooManyHosts";
  /** What is wrong, and what to do. */
  readonly message: string;
}

/**
 * Most bytes of the hosts of one Sidecar. etcd accepts objects of 1.5 MiB, and field ownership
 * repeats a part of them.
 */
const MAX_HOST_BYTES = 1024 * 1024;

/**
 * Why a Sidecar with these hosts cannot be written; undefined when it can. It is not written with a
 * part of them, which would hide what the fence asks for.
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

/** Whether the API server accepts a Sidecar with these hosts. */
export function fitsInSidecar(hosts: readonly string[]): boolean {
  return bytesOf(hosts) <= MAX_HOST_BYTES;
}

function bytesOf(hosts: readonly string[]): number {
  let bytes = 0;
  for (const host of hosts) bytes += host.length;
  return bytes;
}

/** Why a fence in this namespace would affect more than one workload; undefined if it would not. */
export function namespaceRefusal({ metadata }: ServiceFence, config: SystemConfig): RenderRefusal | undefined {
  return reservedNamespace({ kind: "ServiceFence", ...metadata }, "a fence there could hide the mesh from the global sidecar", config);
}

/** Why a fence's selector does not name a workload; undefined when it does. */
export function selectorRefusal(labels: Labels): RenderRefusal | undefined {
  const fault = selectorFault(labels);
  if (fault === undefined) return undefined;
  return { reason: "SelectorInvalid", message: `the fence's selector names no workload: ${fault}; set spec.workloadSelector.labels` };
}

/** Fences for the same pods that are in force instead, in the form for a message. */
export interface RivalFences {
  readonly fences: string;
  /** Those in another API group; undefined where there are none. */
  readonly otherGroup: string | undefined;
}

/**
 * Of two fences for the same pods only one is in force: Istio would use one of their Sidecars, and
 * report nothing.
 */
export function rivalRefusal(rival: RivalFences | undefined): RenderRefusal | undefined {
  if (rival === undefined) return undefined;
  const { fences, otherGroup } = rival;
  const which = otherGroup === undefined ? "" : ` (${otherGroup})`;
  const advice = "nothing is rendered for this one: delete one of them, or have them select other pods";
  const message = `fence ${fences} is for the same pods and comes first, by age and then by name${which}; ${advice}`;
  return { reason: "Conflict", message };
}

/** Fences that have objects without being in force, in the form for a message. */
export interface LeavingFences {
  readonly fences: string;
  /** Why, of those that exist and are not off. */
  readonly why: ReadonlySet<"givesWay" | "withoutPods" | "keepsThem">;
}

/** What another fence left for the same pods goes first: otherwise there would be two Sidecars. */
export function leavingRefusal(leaving: LeavingFences | undefined): RenderRefusal | undefined {
  if (leaving === undefined) return undefined;
  const { fences, why } = leaving;
  const reasons = [
    "is gone or off",
    ...(why.has("givesWay") ? ["gives way to another one"] : []),
    ...(why.has("withoutPods") ? ["selects no pods"] : []),
  ];
  if (why.has("keepsThem")) reasons.push("keeps it since its selector names no workload");
  const advice = why.has("keepsThem")
    ? "nothing is rendered for this one until that selector is mended, or its fence deleted"
    : "nothing is rendered for this one until it has gone, in some seconds";
  return {
    reason: "Conflict",
    message: `what was rendered for fence ${fences}, which ${reasons.join(", or ")}, is for the same pods; ${advice}`,
  };
}
