import {
  type FenceKey,
  formatFenceKey,
  idleWindowOf,
  isManaged,
  type Labels,
  type OwnerReference,
  type RenderedObject,
  type ServiceFence,
  type ServiceFenceStatus,
  shortenedList,
  windowRemarks,
} from "@fenceline/api";
import type { Desired } from "@fenceline/control";
import type { EdgesSeen } from "@fenceline/edges";
import { type EgressHost, hasOnDemand, type Rendered, renderFence, selectorRemarks, unheededRemarks } from "@fenceline/render/fence";
import type { ForeignObject, Obstacle } from "@fenceline/store";
import type { MeshConfiguration } from "../mesh.ts";
import type { StreamsSeen } from "../sources/access-logs/fence-streams.ts";
import type { ProxiesSeen } from "../sources/istiods/proxy-syncs.ts";
import { conflictingSidecars, defaultOutbound, replacedDefaults } from "./conflict.ts";
import { enforcedOtherwise, filterOtherwise, redirects } from "./enforced-otherwise.ts";
import type { UnreadKind } from "./mesh-objects-condition.ts";
import type { PodsHeard, PodsKnown } from "./pod-search.ts";
import type { LeavingRival, Rival } from "./rivals.ts";
import { nextStep } from "./sidecar-steps.ts";
import { fenceStatus, withJudgementOf } from "./status.ts";
import type { StepsSeen } from "./steps-seen.ts";
import { mayHaveUnseen, staysForUnseen } from "./unseen-sidecars.ts";

/** Everything that decides what a fence asks for, at one moment. It is immutable. */
export interface FenceSeen {
  readonly fence: ServiceFence;
  /** What it has learned. */
  readonly edges: EdgesSeen;
  /** Every host that it names or has learned, as it exists in the mesh. */
  readonly hosts: readonly EgressHost[];
  /** Hosts that it declares and the default Sidecar hides. Default: none. */
  readonly hidden?: readonly string[];
  /** Labels of its pods; undefined when it selects none. */
  readonly labels: Labels | undefined;
  /** The status that was written last, or is about to be written. */
  readonly previous: ServiceFenceStatus;
  /** The status as the store last showed it. */
  readonly stored: ServiceFenceStatus;
  readonly config: MeshConfiguration;
  /** What is rendered for it now. */
  readonly present: readonly RenderedObject[];
  /** A second owner of rendered objects. Default: none, and they are deleted with the fence. */
  readonly installation?: OwnerReference | undefined;
  /** Sidecars of others in its namespace. */
  readonly foreign: readonly ForeignObject[];
  /** Sidecars of others in Istio's root namespaces. Default: none. */
  readonly foreignInRoot?: readonly ForeignObject[];
  /** Whether the fallback can answer. */
  readonly fallbackReady: boolean;
  /** EnvoyFilters of others that keep calls to unknown hosts from the fallback. Default: none. */
  readonly catchAllRemoved?: readonly string[];
  /** Versions of Istio that its proxies run, as far as known. */
  readonly proxyVersions: readonly string[];
  /** Fences for the same pods that are in force before it. */
  readonly rivals: readonly Rival[];
  /** Fences that ask for nothing now, and left something for the same pods. Default: none. */
  readonly leaving?: readonly LeavingRival[];
  /** Whether it, or its namespace, is being deleted. */
  readonly isEnding: boolean;
  /** Whether a Service with a ready endpoint shows that it has pods. */
  readonly served: "surely" | "perhaps" | "no";
  /** The answer about its pods, where nothing shows them for sure. */
  readonly heard: PodsHeard;
  /** Labels of pods that are known to be its own. */
  readonly pods: readonly Labels[];
  /** What istiods report about its proxies. Default: they are not asked. */
  readonly proxies?: ProxiesSeen | undefined;
  /** Access-log streams of its proxies. */
  readonly streams: StreamsSeen;
  /** Kinds of the mesh that cannot be read. */
  readonly unread: readonly UnreadKind[];
  /** What stands in the way of its rendered objects. */
  readonly obstacles: readonly Obstacle[];
  /**
   * The input for the steps of its Sidecar. Undefined in a folder: there no Istio reads what is
   * rendered, so the final state is wanted at once.
   */
  readonly steps: StepsSeen | undefined;
  /** The part of its usual size that the status may have. Default 1. */
  readonly statusPart?: number;
  /** Whether this replica leads: only the leader decides on conditions. */
  readonly leads: boolean;
  /** Milliseconds of the wall clock. */
  readonly now: number;
}

/** What a fence asks for. */
export interface DesiredFence extends Desired<ServiceFenceStatus> {
  /** When it was computed, by the wall clock. */
  readonly at: number;
  /** Whether another fence for the same pods is in force instead. */
  readonly givesWay: boolean;
  /** From what it was computed. */
  readonly seen: FenceSeen;
}

/** What a fence asks for: the objects to render, or why there are none, and its status. */
export function desiredFence(seen: FenceSeen): DesiredFence {
  const { fence, hosts, labels, config, present, fallbackReady, proxyVersions } = seen;
  // Kubernetes' garbage collector deletes what is rendered, before a fence that is deleted in the
  // foreground. If we wrote it again, it would be deleted again and again. What another Fenceline
  // may manage is not touched either.
  const common = { at: seen.now, givesWay: seen.rivals.length > 0, seen };
  if (seen.isEnding || !isManaged(config.revisions, fence.metadata.labels))
    return { ...common, objects: present, status: seen.previous, isLeftAlone: true };
  const enforced = present.some(({ kind }) => kind === "Sidecar");
  const conflicts = conflictingSidecars(fence, labels, seen.foreign, seen.pods);
  const replaced = replacedDefaults(seen.foreign, seen.foreignInRoot ?? []);
  const outbound = defaultOutbound(seen.foreign, seen.foreignInRoot ?? []);
  const left = seen.leaving ?? [];
  const [rival, leaving] = [named(seen.rivals), named(left)];
  const rendered = renderFence({
    fence,
    hosts,
    labels,
    config,
    proxyVersions,
    onDemandBefore: present.some((object) => object.kind === "EnvoyFilter" && hasOnDemand(object)),
    fallback: { ready: fallbackReady, enforced },
    exact: seen.steps !== undefined,
    conflict: conflicts.length + replaced.length > 0 || mayHaveUnseen(present, seen.unread),
    ...(outbound !== undefined && { outbound }),
    ...(rival !== undefined && { rival: { fences: rival, otherGroup: ofOtherGroup(seen.rivals) } }),
    ...(leaving !== undefined && { leaving: { fences: leaving, why: new Set(left.flatMap(({ why }) => why ?? [])) } }),
    ...(seen.installation !== undefined && { installation: seen.installation }),
  });
  const leftOutOfSpec = selectorRemarks(fence.spec);
  const remarks = [...leftOutOfSpec, ...windowRemarks(fence.spec, config.ageing), ...hiddenRemarks(seen), ...unheededRemarks(hosts)];
  const missing = kindsBeside(rendered.objects, present);
  const status = fenceStatus({
    ...seen,
    idleWindow: idleWindowOf(fence.spec, config.ageing),
    rendered,
    enforced,
    otherwise: enforcedOtherwise(present, rendered.objects),
    filterOtherwise: filterOtherwise(present, rendered.objects),
    redirects: redirects(present, labels),
    missing,
    unwanted: kindsBeside(present, rendered.objects),
    pods: podsOf(seen),
    fault: fence.fault,
    hasRest: fence.faulty !== undefined,
    leftOutOfSpec,
    conflicts,
    replaced,
    remarks,
  });
  // Only the leader decides on conditions. Another replica's conditions are not written, and must
  // not count as written when it becomes the leader.
  return {
    ...common,
    ...(isSelectorInvalid(rendered) ? { objects: present } : stepOf(seen, rendered)),
    status: seen.leads ? status : withJudgementOf(seen.stored, status),
    ...("refused" in rendered && { refused: rendered.refused }),
  };
}

/** Kinds of which there are objects in the first list and none in the second. */
function kindsBeside(objects: readonly RenderedObject[], others: readonly RenderedObject[]): readonly string[] {
  return objects.map(({ kind }) => kind).filter((kind) => others.every((other) => other.kind !== kind));
}

function hiddenRemarks({ hidden = [] }: FenceSeen): readonly string[] {
  return hidden.length === 0 ? [] : [`the default Sidecar hides ${shortenedList(hidden, ", ")}`];
}

/** Fences in the form for a message; undefined when there are none. */
function named(fences: readonly FenceKey[]): string | undefined {
  return fences.length === 0 ? undefined : shortenedList(fences.map(formatFenceKey), ", ");
}

/** Those in another API group, which `kubectl get servicefences` may not list. */
function ofOtherGroup(rivals: readonly Rival[]): string | undefined {
  const others = rivals.filter(({ otherGroup }) => otherGroup !== undefined);
  const [first] = others;
  return first === undefined ? undefined : `${named(others)} is one of servicefences.${first.otherGroup}`;
}

/**
 * Whether the fence has pods. Pods are not watched. A Service with a ready endpoint, or an open
 * stream, shows it for sure; after that the API server is asked. Where it gives no answer, access
 * logs within the idle window count, or a Service that may be for other pods.
 */
function podsOf({ fence, labels, edges, stored, streams, served, heard, config, now }: FenceSeen): PodsKnown {
  if (labels === undefined) return "none";
  if (served === "surely" || streams.isOpen) return "told";
  if (heard === "some" || heard === "none") return heard;
  if (served === "perhaps") return "told";
  const told = stored.observedUntil === undefined ? Number.NEGATIVE_INFINITY : Date.parse(stored.observedUntil);
  const observedUntil = Math.max(edges.observedUntil ?? Number.NEGATIVE_INFINITY, told);
  return now - observedUntil < idleWindowOf(fence.spec, config.ageing) ? "told" : heard;
}

/** A selector that selects no pods is a mistake: what is rendered keeps the former one. */
function isSelectorInvalid(rendered: Rendered): boolean {
  return "refused" in rendered && rendered.refused.reason === "SelectorInvalid";
}

/** An object that must not be in its namespace is deleted at once, without steps. */
function stepOf({ present, steps, unread }: FenceSeen, rendered: Rendered): Pick<DesiredFence, "objects" | "nextStepIn"> {
  const { objects } = rendered;
  const isForbidden = "refused" in rendered && rendered.refused.reason === "NamespaceReserved";
  if (steps === undefined || isForbidden) return { objects };
  return staysForUnseen(present, unread) ? { objects: present } : nextStep(present, objects, steps);
}
