import { ENDPOINT_SLICE, ENVOY_FILTER, type FenceCondition, type Judgement, type Kind, SERVICE, shortenedList } from "@fenceline/api";
import { type UnreadKind, unseen } from "./mesh-objects-condition.ts";

/** What {@link fallbackCondition} is judged from. */
interface FallbackInput {
  /** Whether the global sidecar can answer. */
  readonly fallbackReady: boolean;
  /** EnvoyFilters of others by which calls to unknown hosts miss it. Default: none. */
  readonly catchAllRemoved?: readonly string[];
  /** Whether the fence's Sidecar is there, so that hosts are unknown to the workload. */
  readonly enforced: boolean;
  /** Kinds of objects that are wanted and are not there. Default: none. */
  readonly missing?: readonly string[];
  /** Why the EnvoyFilter that is there does not do what it is for. Default: it does. */
  readonly filterOtherwise?: string | undefined;
  /** Kinds of the mesh that cannot be read. Default: none. */
  readonly unread?: readonly UnreadKind[];
}

/** What it is judged from: an EnvoyFilter of others may take the way to the fallback away. */
export const READ_FOR_FALLBACK: readonly Kind[] = [SERVICE, ENDPOINT_SLICE, ENVOY_FILTER];

/** The fallback may be ready, and yet no call gets to it. */
export function fallbackCondition(input: FallbackInput): Judgement<FenceCondition["type"]> {
  const { fallbackReady, catchAllRemoved = [], unread, enforced, missing = [], filterOtherwise } = input;
  const type = "FallbackReady";
  const notRead = unseen(unread, ...READ_FOR_FALLBACK);
  if (notRead !== undefined) return { type, ...notRead };
  if (catchAllRemoved.length > 0) {
    const message = `${shortenedList(catchAllRemoved, ", ")} takes Istio's catch-all routes away, so calls to unknown hosts go where it says, and nothing is learned of them: delete it. If it is Slime's, docs/migrating-from-slime.md says when`;
    return { type, status: "False", reason: "CatchAllRemoved", message };
  }
  if (enforced && missing.includes(ENVOY_FILTER.name)) {
    const message = "the EnvoyFilter that sends unknown hosts to the global sidecar is not there, see Ready: they take Istio's passthrough";
    return { type, status: "False", reason: "EnvoyFilterMissing", message };
  }
  if (enforced && filterOtherwise !== undefined) {
    const message = `${filterOtherwise}, see Ready: calls to unknown hosts take Istio's passthrough`;
    return { type, status: "False", reason: "EnvoyFilterDiffers", message };
  }
  if (fallbackReady) return { type, status: "True", reason: "EndpointsReady", message: "the global sidecar takes calls to unknown hosts" };
  const message = "no endpoint of the global sidecar is ready: unknown hosts take Istio's passthrough";
  return { type, status: "False", reason: "NoEndpoints", message };
}
