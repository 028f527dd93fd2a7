import { ENDPOINT_SLICE, ENVOY_FILTER, type FenceCondition, type Judgement, type Kind, SERVICE, shortenedList } from "@fenceline/api";
import { type UnreadKind, unseen } from "./mesh-objects-condition.ts";

/** The input of {@link fallbackCondition}. */
interface FallbackInput {
  /** Whether the global sidecar can answer. */
  readonly fallbackReady: boolean;
  /** EnvoyFilters of others that keep calls to unknown hosts from it. Default: none. */
  readonly catchAllRemoved?: readonly string[];
  /** Whether the fence's Sidecar exists, so that the workload does not know some hosts. */
  readonly enforced: boolean;
  /** Kinds of objects that should exist and do not. Default: none. */
  readonly missing?: readonly string[];
  /** Why the existing EnvoyFilter does not do what it should. Default: it does. */
  readonly filterOtherwise?: string | undefined;
  /** Whether the existing EnvoyFilter sends calls to unknown hosts to it. Default: no. */
  readonly redirects?: boolean;
  /** Kinds of the mesh that cannot be read. Default: none. */
  readonly unread?: readonly UnreadKind[];
}

/** Kinds that it depends on: an EnvoyFilter of others may keep calls from the fallback. */
export const READ_FOR_FALLBACK: readonly Kind[] = [SERVICE, ENDPOINT_SLICE, ENVOY_FILTER];

/** The fallback may be ready while no call reaches it. */
export function fallbackCondition(input: FallbackInput): Judgement<FenceCondition["type"]> {
  const { fallbackReady, catchAllRemoved = [], unread, enforced, missing = [], filterOtherwise, redirects = false } = input;
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
  if (enforced && fallbackReady && filterOtherwise !== undefined) {
    const message = `${filterOtherwise}, see Ready: calls to unknown hosts take Istio's passthrough`;
    return { type, status: "False", reason: "EnvoyFilterDiffers", message };
  }
  if (fallbackReady) return { type, status: "True", reason: "EndpointsReady", message: redirects ? TAKES_CALLS : COULD_TAKE_CALLS };
  return {
    type,
    status: "False",
    reason: "NoEndpoints",
    message: `no endpoint of the global sidecar is ready: ${redirects ? CALLS_FAIL : PASSED}`,
  };
}

const TAKES_CALLS = "the global sidecar takes calls to unknown hosts";
/** In Observe, for example, or where a Sidecar of somebody else is for the same pods. */
const COULD_TAKE_CALLS = "the global sidecar can take calls, and this fence sends it none, see Enforced";
const PASSED = "unknown hosts take Istio's passthrough";
const CALLS_FAIL = "calls to unknown hosts fail until the EnvoyFilter that still sends them there is written again";
