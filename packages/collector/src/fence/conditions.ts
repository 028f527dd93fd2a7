import {
  aboutGeneration,
  ENVOY_FILTER,
  type FenceCondition,
  type Judgement,
  type Kind,
  LONGEST_MESSAGE,
  NAMESPACE,
  type ServiceFence,
  type ServiceFenceStatus,
  SIDECAR,
  shortened,
  shortenedList,
  withTransition,
} from "@fenceline/api";
import type { EdgesSeen } from "@fenceline/edges";
import type { Rendered } from "@fenceline/render/fence";
import type { Obstacle } from "@fenceline/store";
import type { StreamsSeen } from "../sources/access-logs/fence-streams.ts";
import { proxiesCondition } from "../sources/istiods/proxies-condition.ts";
import type { ProxiesSeen } from "../sources/istiods/proxy-syncs.ts";
import { fallbackCondition, READ_FOR_FALLBACK } from "./fallback-condition.ts";
import { isUnseen, meshObjectsCondition, type UnreadKind, unseen } from "./mesh-objects-condition.ts";
import type { PodsKnown } from "./pod-search.ts";
import { telemetryCondition, telemetryNotAsked } from "./telemetry-condition.ts";
import { withVerdict } from "./verdict-in-conditions.ts";

/** The input of a fence's conditions. */
export interface ConditionsInput {
  readonly fence: Pick<ServiceFence, "metadata">;
  readonly previous: ServiceFenceStatus;
  readonly edges: EdgesSeen;
  readonly rendered: Rendered;
  /** Whether the fence's Sidecar is in the store. */
  readonly enforced: boolean;
  /** Why the existing Sidecar does not limit what the workload sees. Default: it does. */
  readonly otherwise?: string | undefined;
  /** Why the existing EnvoyFilter does not do what it should. Default: it does. */
  readonly filterOtherwise?: string | undefined;
  /** Whether the existing EnvoyFilter sends calls to the global sidecar. Default: no. */
  readonly redirects?: boolean;
  /** Kinds of objects that should be in the store and are not. Default: none. */
  readonly missing?: readonly string[];
  /** Kinds of objects that are in the store and should not be. Default: none. */
  readonly unwanted?: readonly string[];
  readonly fallbackReady: boolean;
  /** EnvoyFilters of others that keep calls to unknown hosts from the fallback. Default: none. */
  readonly catchAllRemoved?: readonly string[];
  /** Names of Sidecars of others that select the same pods. */
  readonly conflicts: readonly string[];
  /** Default Sidecars that a fence's would replace, with the settings that would be lost. */
  readonly replaced?: readonly string[];
  /** What stands in the way of the rendered objects. */
  readonly obstacles: readonly Obstacle[];
  /** Access-log streams of its proxies. Default: there never was one. */
  readonly streams?: StreamsSeen | undefined;
  /** What is known of the fence's pods. Default: some exist. */
  readonly pods?: PodsKnown;
  /** Milliseconds after which a host that is not seen ages out. */
  readonly idleWindow: number;
  /** What istiods report about its proxies. Default: they are not asked. */
  readonly proxies?: ProxiesSeen | undefined;
  /** Parts of the fence's spec that are taken for another value. Default: none. */
  readonly remarks?: readonly string[];
  /** What is wrong with the fence's spec. Default: nothing. */
  readonly fault?: string | undefined;
  /** Kinds of the mesh that cannot be read. Default: none. */
  readonly unread?: readonly UnreadKind[];
  /** Whether the rest of a faulty spec counts, and not only that it is off. Default: no. */
  readonly hasRest?: boolean;
  /** Entries of the spec that are left out. Default: none. */
  readonly leftOutOfSpec?: readonly string[];
  /** How many hosts in the status have no details. Default: none. */
  readonly shortened?: number;
  /** How many hosts are missing in the status. Default: none. */
  readonly leftOut?: number;
  readonly now: number;
}

type FenceJudgement = Judgement<FenceCondition["type"]>;

/** Kinds that tell whether the objects of a fence exist, and are as they should be. */
const READ_FOR_RENDERING: readonly Kind[] = [SIDECAR, NAMESPACE, ...READ_FOR_FALLBACK];

/**
 * The current conditions of a fence, each with its reason. `lastTransitionTime` changes only when
 * the status does. `observedGeneration` tells for which spec they hold.
 */
export function conditions(input: ConditionsInput): FenceCondition[] {
  const { fence, previous, rendered, proxies, now } = input;
  const judgements = [
    ready(input),
    enforced(input),
    conflict(input),
    fallbackCondition(input),
    telemetry(input),
    ...capacity(input),
    ...workload(input),
    ...accepted(input),
    ...complete(input),
    ...(rendered.mode === "Off" || proxies === undefined ? [] : [proxiesCondition(proxies, previous.conditions) ?? []].flat()),
    ...meshObjectsCondition(input.unread),
  ];
  const about = aboutGeneration(fence.metadata);
  return withVerdict(judgements, input).map((judgement) => withTransition({ ...judgement, ...about }, previous.conditions, now));
}

function ready(input: ConditionsInput): FenceJudgement {
  const { rendered, remarks = [], obstacles, conflicts, fault, hasRest = false } = input;
  const refused = refusalOf(rendered) ?? obstacles[0];
  if (refused !== undefined) return { type: "Ready", status: "False", reason: refused.reason, message: refused.message };
  if (fault !== undefined && hasRest) return { type: "Ready", status: "False", ...specInvalid(fault) };
  const unread = unseen(input.unread, ...READ_FOR_RENDERING);
  if (unread !== undefined) return { type: "Ready", ...unread };
  if (rendered.mode === "Enforce" && conflicts.length > 0)
    return { type: "Ready", status: "False", reason: "Conflict", message: otherSidecar(conflicts) };
  const waiting = notYet(input);
  const message = [waiting?.message ?? `mode ${rendered.mode}`, shortenedList(remarks)].filter(Boolean).join("; ");
  return waiting === undefined
    ? { type: "Ready", status: "True", reason: "Rendered", message }
    : { type: "Ready", status: "False", reason: waiting.reason, message };
}

/** What does not match the spec yet, where no obstacle is known. */
function notYet(input: ConditionsInput): Pick<FenceJudgement, "reason" | "message"> | undefined {
  const { rendered, missing = [], unwanted = [], enforced, fallbackReady, replaced = [], otherwise, filterOtherwise } = input;
  if (missing.length > 0) return { reason: "NotWrittenYet", message: `${missing.join(" and ")} not written yet` };
  if (unwanted.length > 0) return { reason: "NotDeletedYet", message: `${unwanted.join(" and ")} not wanted any more and not deleted yet` };
  if (otherwise !== undefined) return { reason: "SidecarDiffers", message: otherwise };
  if (filterOtherwise !== undefined) return { reason: "EnvoyFilterDiffers", message: filterOtherwise };
  if (rendered.mode !== "Enforce" || enforced || fallbackReady || replaced.length > 0) return undefined;
  return { reason: "FallbackNotReady", message: "the Sidecar is written once the global sidecar can answer, see FallbackReady" };
}

function refusalOf(rendered: Rendered) {
  return "refused" in rendered ? rendered.refused : undefined;
}

/**
 * By what was read back: whether the Sidecar exists, wanted or not. Without it, Sidecars of others
 * may limit what the workload sees.
 */
function enforced(input: ConditionsInput): FenceJudgement {
  const { rendered, enforced: isThere, otherwise } = input;
  const unread = unseen(input.unread, SIDECAR);
  if (unread !== undefined) return { type: "Enforced", ...unread };
  const isWanted = rendered.objects.some(({ kind }) => kind === "Sidecar");
  if (!isThere)
    return { type: "Enforced", status: "False", reason: notEnforced(input), message: "this fence hides nothing from the workload" };
  if (isWanted && otherwise !== undefined)
    return { type: "Enforced", status: "False", reason: "SidecarDiffers", message: `${otherwise}, see Ready` };
  if (isWanted)
    return { type: "Enforced", status: "True", reason: "SidecarRendered", message: "the workload sees only the hosts of this fence" };
  const message =
    refusalOf(rendered)?.reason === "SelectorInvalid"
      ? "what was rendered before stays in force, see Ready"
      : "the Sidecar is not wanted any more and not deleted yet, see Ready";
  return { type: "Enforced", status: "True", reason: "SidecarRemains", message };
}

function notEnforced({ rendered, fallbackReady, conflicts, replaced = [], obstacles: [obstacle] }: ConditionsInput): string {
  if ("refused" in rendered) return rendered.refused.reason;
  if (rendered.mode === "Enforce" && conflicts.length + replaced.length > 0) return "Conflict";
  if (rendered.mode === "Enforce" && !fallbackReady) return "FallbackNotReady";
  return rendered.mode === "Enforce" ? (obstacle?.reason ?? "NotWrittenYet") : `Mode${rendered.mode}`;
}

/** Sidecars of others for the same pods, and objects of others with the names of ours. */
function conflict({ conflicts, replaced = [], rendered, obstacles, unread }: ConditionsInput): FenceJudgement {
  if ("refused" in rendered && rendered.refused.reason === "Conflict")
    return { type: "Conflict", status: "True", reason: "OtherFence", message: rendered.refused.message };
  const notRead = unseen(unread, SIDECAR);
  if (notRead !== undefined) return { type: "Conflict", ...notRead };
  if (conflicts.length > 0) {
    return { type: "Conflict", status: "True", reason: "OtherSidecar", message: otherSidecar(conflicts) };
  }
  if (replaced.length > 0) {
    const message = `Sidecar ${shortenedList(replaced, ", ")} is for these pods, and a fence's would drop what is in brackets: take that out of it, or leave the fence in Observe`;
    return { type: "Conflict", status: "True", reason: "DefaultSidecar", message };
  }
  const inPlace = obstacles.find(({ reason }) => reason === "Conflict");
  if (inPlace !== undefined) return { type: "Conflict", status: "True", reason: "ObjectNotOurs", message: inPlace.message };
  return { type: "Conflict", status: "False", reason: "NoOtherSidecar", message: "no other Sidecar is for these pods" };
}

function otherSidecar(conflicts: readonly string[]): string {
  return `Sidecar ${shortenedList(conflicts, ", ")} is for the same pods: delete it, or switch the fence off`;
}

/**
 * An EnvoyFilter configures the access logs of the proxies. With an invalid selector, the former
 * one stays in force.
 */
function telemetry(input: ConditionsInput): FenceJudgement {
  const { edges, rendered, missing = [], unread, streams, idleWindow, now } = input;
  const { observedUntil } = edges;
  const isAsked = rendered.objects.some(({ kind }) => kind === "EnvoyFilter") || refusalOf(rendered)?.reason === "SelectorInvalid";
  if (!isAsked) return telemetryNotAsked(rendered.mode === "Off" ? "the fence is off" : "nothing is rendered for it, see Ready");
  if (missing.includes(ENVOY_FILTER.name) && !isUnseen(ENVOY_FILTER, unread))
    return telemetryNotAsked("its EnvoyFilter is not there, see Ready");
  return telemetryCondition({ observedUntil, streams, idleWindow, now });
}

/**
 * Only for a fence that is, or was, full. It has no count of rejected hosts: that changes with
 * every call, and a condition is written whenever it changes.
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

/**
 * Only where we have to ask whether pods exist. No Service and no access log shows the pods of a
 * quiet Job, or of a fence that selects by a mistyped label.
 */
function workload({ rendered, previous, pods = "told" }: ConditionsInput): readonly FenceJudgement[] {
  const type = "WorkloadFound";
  if (rendered.mode === "Off" || pods === "told") return [];
  if (pods === "asked") return previous.conditions?.filter((each) => each.type === type) ?? [];
  if (pods === "some") return [{ type, status: "True", reason: "PodsKnown", message: "pods that this fence selects are known" }];
  const todo = "see that spec.workloadSelector has the labels of the pods";
  if (pods === "none") return [{ type, status: "False", reason: "NoPodSeen", message: `there is no pod that this fence selects: ${todo}` }];
  const message = `no Service for pods of this fence has a ready endpoint, none has sent access logs within the idle window, and pods cannot be listed: if there should be some, ${todo}`;
  return [{ type, status: "Unknown", reason: "PodsNotKnown", message }];
}

/** Only for a fence with mistakes: parts are left out, or everything except that it is off. */
function accepted({ rendered, fault, hasRest = false, ...input }: ConditionsInput): readonly FenceJudgement[] {
  const refused = refusalOf(rendered);
  const selector = refused?.reason === "SelectorInvalid" ? [`spec.workloadSelector: ${refused.message}`] : [];
  const leftOutOfSpec = [...selector, ...(input.leftOutOfSpec ?? [])];
  if (fault !== undefined && !hasRest) {
    const message = `${fault}; that the fence is switched off counts all the same`;
    return [{ type: "Accepted", status: "False", reason: "SpecInvalid", message }];
  }
  if (fault !== undefined) return [{ type: "Accepted", status: "False", ...specInvalid([fault, ...leftOutOfSpec].join("; ")) }];
  if (leftOutOfSpec.length === 0) return [];
  return [{ type: "Accepted", status: "False", reason: "SpecInvalid", message: shortenedList(leftOutOfSpec) }];
}

function specInvalid(faults: string): Pick<FenceJudgement, "reason" | "message"> {
  const rest = "; the rest of the spec counts; what was rendered before stays in force";
  return { reason: "SpecInvalid", message: `${shortened(faults, LONGEST_MESSAGE - rest.length)}${rest}` };
}

/** Only where a status is too large for all details. Their number, which changes, is left out. */
function complete({ shortened = 0, leftOut = 0 }: ConditionsInput): readonly FenceJudgement[] {
  if (leftOut > 0) {
    const message =
      "the status has more hosts than an API server takes: of those that nobody called, and those seen longest ago, some are not told. They are in the Sidecar, and count as seen now after a restart";
    return [{ type: "StatusComplete", status: "False", reason: "HostsLeftOut", message }];
  }
  if (shortened === 0) return [];
  const message =
    "the status has more hosts than there is room for with all details: those seen longest ago are told without first call, requests and ports";
  return [{ type: "StatusComplete", status: "False", reason: "TooManyHosts", message }];
}
