import {
  type FenceCondition,
  type Judgement,
  type ServiceFence,
  type ServiceFenceStatus,
  shortenedList,
  withTransition,
} from "@fenceline/api";
import type { EdgesSeen } from "@fenceline/edges";
import type { Rendered } from "@fenceline/render/fence";
import type { Obstacle } from "@fenceline/store";
import type { StreamsSeen } from "../sources/access-logs/fence-streams.ts";
import { meshObjectsCondition, type UnreadKind } from "./mesh-objects-condition.ts";
import { telemetryCondition } from "./telemetry-condition.ts";

/** What a fence's conditions are judged from. */
export interface ConditionsInput {
  readonly fence: Pick<ServiceFence, "metadata">;
  readonly previous: ServiceFenceStatus;
  readonly edges: EdgesSeen;
  readonly rendered: Rendered;
  /** Whether the fence's Sidecar is in the store. */
  readonly enforced: boolean;
  /** Kinds of objects that are wanted and are not in the store. Default: none. */
  readonly missing?: readonly string[];
  readonly fallbackReady: boolean;
  /** Names of Sidecars of others that are for the same pods. */
  readonly conflicts: readonly string[];
  /** What stands in the way of the rendered objects. */
  readonly obstacles: readonly Obstacle[];
  /** Access-log streams of its proxies. Default: there never was one. */
  readonly streams?: StreamsSeen | undefined;
  /** Whether some pod is known to be the fence's. Default: one is. */
  readonly hasPods?: boolean;
  /** Milliseconds that a host may go unseen. */
  readonly idleWindow: number;
  /** What of the fence's spec counts as something else. Default: nothing. */
  readonly remarks?: readonly string[];
  /** What is wrong with the fence's spec, of which only counts that it is off. Default: nothing. */
  readonly fault?: string | undefined;
  /** Kinds of the mesh that cannot be read. Default: none. */
  readonly unread?: readonly UnreadKind[];
  /** How many hosts of the status go without detail. Default: none. */
  readonly shortened?: number;
  readonly now: number;
}

type FenceJudgement = Judgement<FenceCondition["type"]>;

/**
 * What is true of a fence now, each with its reason. `lastTransitionTime` moves only when the
 * status does; `observedGeneration` says which spec they are about.
 */
export function conditions(input: ConditionsInput): FenceCondition[] {
  const { fence, previous, now } = input;
  const { generation } = fence.metadata;
  const judgements = [
    ready(input),
    enforced(input),
    conflict(input),
    fallback(input),
    telemetry(input),
    ...capacity(input),
    ...workload(input),
    ...accepted(input),
    ...complete(input),
    ...meshObjectsCondition(input.unread),
  ];
  // A fence from a file has no generation.
  const about = generation === undefined ? {} : { observedGeneration: generation };
  return judgements.map((judgement) => withTransition({ ...judgement, ...about }, previous.conditions, now));
}

function ready({ rendered, remarks = [], obstacles: [obstacle], missing = [] }: ConditionsInput): FenceJudgement {
  const refused = "refused" in rendered ? rendered.refused : obstacle;
  if (refused !== undefined) return { type: "Ready", status: "False", reason: refused.reason, message: refused.message };
  const message = (what: string) => [what, shortenedList(remarks)].filter(Boolean).join("; ");
  return missing.length === 0
    ? { type: "Ready", status: "True", reason: "Rendered", message: message(`mode ${rendered.mode}`) }
    : { type: "Ready", status: "False", reason: "NotWrittenYet", message: message(`${missing.join(" and ")} not written yet`) };
}

/** By what was read back: whether the Sidecar is there, wanted or not. */
function enforced(input: ConditionsInput): FenceJudgement {
  const { rendered, enforced: isThere } = input;
  const isWanted = rendered.objects.some(({ kind }) => kind === "Sidecar");
  if (!isThere) return { type: "Enforced", status: "False", reason: notEnforced(input), message: "the workload sees the whole mesh" };
  if (isWanted)
    return { type: "Enforced", status: "True", reason: "SidecarRendered", message: "the workload sees only the hosts of this fence" };
  const message = "the Sidecar is not wanted any more and not deleted yet, see Ready";
  return { type: "Enforced", status: "True", reason: "SidecarRemains", message };
}

function notEnforced({ rendered, fallbackReady, conflicts, obstacles: [obstacle] }: ConditionsInput): string {
  if ("refused" in rendered) return rendered.refused.reason;
  if (rendered.mode === "Enforce" && conflicts.length > 0) return "Conflict";
  if (rendered.mode === "Enforce" && !fallbackReady) return "FallbackNotReady";
  return rendered.mode === "Enforce" ? (obstacle?.reason ?? "NotWrittenYet") : `Mode${rendered.mode}`;
}

/** Sidecars of others for the same pods, and objects of others where ours should be. */
function conflict({ conflicts, rendered, obstacles }: ConditionsInput): FenceJudgement {
  if ("refused" in rendered && rendered.refused.reason === "Conflict")
    return { type: "Conflict", status: "True", reason: "OtherFence", message: rendered.refused.message };
  if (conflicts.length > 0) {
    const message = `Sidecar ${shortenedList(conflicts, ", ")} is for the same pods: delete it, or switch the fence off`;
    return { type: "Conflict", status: "True", reason: "OtherSidecar", message };
  }
  const inPlace = obstacles.find(({ reason }) => reason === "Conflict");
  if (inPlace !== undefined) return { type: "Conflict", status: "True", reason: "ObjectNotOurs", message: inPlace.message };
  return { type: "Conflict", status: "False", reason: "NoOtherSidecar", message: "no other Sidecar is for these pods" };
}

function fallback({ fallbackReady }: ConditionsInput): FenceJudgement {
  return fallbackReady
    ? { type: "FallbackReady", status: "True", reason: "EndpointsReady", message: "the global sidecar takes calls to unknown hosts" }
    : {
        type: "FallbackReady",
        status: "False",
        reason: "NoEndpoints",
        message: "no endpoint of the global sidecar is ready: unknown hosts take Istio's passthrough",
      };
}

function telemetry({ edges: { observedUntil }, streams, idleWindow, now }: ConditionsInput): FenceJudgement {
  return telemetryCondition({ observedUntil, streams, idleWindow, now });
}

/**
 * Only for a fence that is, or was, full. Without counts of who was turned away: they change with
 * every call, and a condition is written when it changes.
 */
function capacity({ edges, previous }: ConditionsInput): readonly FenceJudgement[] {
  if (edges.isAtCapacity) {
    const message = `maxHosts is ${edges.maxHosts}, and all were seen within their window: hosts that are new stay on the fallback. Raise spec.maxHosts, or ageing.maxHosts of the configuration`;
    return [{ type: "AtCapacity", status: "True", reason: "MaxHostsInUse", message }];
  }
  if (!previous.conditions?.some(({ type }) => type === "AtCapacity")) return [];
  return [
    { type: "AtCapacity", status: "False", reason: "RoomLeft", message: "hosts that the workload calls for the first time are learned" },
  ];
}

/** Only while no pod is known: for a fence that selects by a mistyped label, for example. */
function workload({ rendered: { mode }, hasPods = true }: ConditionsInput): readonly FenceJudgement[] {
  if (hasPods || mode === "Off") return [];
  const message =
    "no pod that this fence selects is known: no Service for them has a ready endpoint, and none has sent access logs; see that spec.workloadSelector has the labels of the pods";
  return [{ type: "WorkloadFound", status: "False", reason: "NoPodSeen", message }];
}

/** Only for a fence of which no more counts than that it is switched off. */
function accepted({ fault }: ConditionsInput): readonly FenceJudgement[] {
  if (fault === undefined) return [];
  const message = `${fault}; that the fence is switched off counts all the same`;
  return [{ type: "Accepted", status: "False", reason: "SpecInvalid", message }];
}

/** Only where a status is too large for all details. Without their number, which changes. */
function complete({ shortened = 0 }: ConditionsInput): readonly FenceJudgement[] {
  if (shortened === 0) return [];
  const message =
    "the status has more hosts than there is room for with all details: those seen longest ago are told without first call, requests and ports";
  return [{ type: "StatusComplete", status: "False", reason: "TooManyHosts", message }];
}
