import { isDeepStrictEqual } from "node:util";
import {
  type DomainStatus,
  formatDuration,
  isSameList,
  ownValue,
  type ServiceFence,
  type ServiceFenceStatus,
  sameOrElse,
} from "@fenceline/api";
import type { HostRecord, ResetsDone } from "@fenceline/edges";
import type { EgressHost } from "@fenceline/render/fence";
import { type ConditionsInput, conditions } from "./conditions.ts";
import { bytesBeside, withinSize } from "./status-size.ts";

/** The input of a fence's status. */
export interface StatusInput extends ConditionsInput {
  readonly fence: ServiceFence;
  readonly hosts: readonly EgressHost[];
  /** The part of its usual size that a status may have. Default 1. */
  readonly statusPart?: number;
}

/** The current status. `lastTransitionTime` of a condition changes only when the condition does. */
export function fenceStatus(input: StatusInput): ServiceFenceStatus {
  const { previous, hosts, edges } = input;
  const records = new Map(edges.hosts.map((record) => [record.host, record]));
  const shown = hosts.filter(({ source }) => source !== "tcp" && source !== "mesh");
  const domains = Object.fromEntries(
    shown.map((host) => [host.host, sameOrElse(ownValue(previous.domains, host.host), domainStatus(host, records.get(host.host)))]),
  );
  const observedUntil = edges.observedUntil === undefined ? previous.observedUntil : iso(edges.observedUntil);
  const beside = () => bytesBeside(input.fence.spec, previous.metricStatus);
  const sized = withinSize({ ...expiredAutoHosts(input, domains), ...domains }, previous.domains, { beside, part: input.statusPart ?? 1 });
  return {
    domains: sized.domains,
    ...(previous.metricStatus && { metricStatus: previous.metricStatus }),
    ...(observedUntil !== undefined && { observedUntil }),
    ...(edges.warmedUp !== undefined && { warmUp: edges.warmedUp }),
    ...resetMarks(edges.resets),
    conditions: conditions({ ...input, ...sized }),
  };
}

/** A status with what the leader alone writes, conditions and done resets, from another one. */
export function withJudgementOf(other: ServiceFenceStatus, status: ServiceFenceStatus): ServiceFenceStatus {
  const { conditions, reset, resetAnswered } = other;
  const { conditions: _, reset: __, resetAnswered: ___, ...rest } = status;
  return {
    ...rest,
    ...(reset !== undefined && { reset }),
    ...(resetAnswered !== undefined && { resetAnswered }),
    ...(conditions && { conditions }),
  };
}

function resetMarks({ annotated, asked }: ResetsDone = {}): Partial<ServiceFenceStatus> {
  return { ...(annotated !== undefined && { reset: annotated }), ...(asked !== undefined && { resetAsked: asked, resetAnswered: asked }) };
}

/**
 * Whether two statuses differ in more than times and counts, which change with every call and are
 * written only now and then.
 */
export function differsInSubstance(a: ServiceFenceStatus, b: ServiceFenceStatus): boolean {
  if (differInHosts(a.domains, b.domains) || areOfOtherWarmUps(a, b) || areOfOtherResets(a, b)) return true;
  return !isDeepStrictEqual(substanceOf(a.conditions), substanceOf(b.conditions)) || areOfOtherSpecs(a.conditions, b.conditions);
}

/**
 * Whether equal conditions hold for different specs. A condition that names no spec comes from an
 * earlier version: to add that is not worth a write for every fence.
 */
function areOfOtherSpecs(a: ServiceFenceStatus["conditions"] = [], b: ServiceFenceStatus["conditions"] = []): boolean {
  return a.some(({ observedGeneration: one }, at) => {
    const other = b[at]?.observedGeneration;
    return one !== undefined && other !== undefined && one !== other;
  });
}

/** As for the spec: a status of an earlier version does not mention a warm-up. */
function areOfOtherWarmUps({ warmUp: one }: ServiceFenceStatus, { warmUp: other }: ServiceFenceStatus): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function areOfOtherResets(a: ServiceFenceStatus, b: ServiceFenceStatus): boolean {
  return a.reset !== b.reset || a.resetAsked !== b.resetAsked || a.resetAnswered !== b.resetAnswered;
}

function differInHosts(a: ServiceFenceStatus["domains"], b: ServiceFenceStatus["domains"]): boolean {
  if (a === b) return false;
  const hosts = Object.keys(a);
  return hosts.length !== Object.keys(b).length || hosts.some((host) => differ(ownValue(a, host), ownValue(b, host)));
}

function differ(a: DomainStatus | undefined, b: DomainStatus | undefined): boolean {
  if (a === b) return false;
  if (a === undefined || b === undefined) return true;
  return (
    a.status !== b.status ||
    a.source !== b.source ||
    !isSameList(a.ports ?? [], b.ports ?? []) ||
    !isSameList(a.requiredBy ?? [], b.requiredBy ?? [])
  );
}

function substanceOf(conditions: ServiceFenceStatus["conditions"] = []) {
  return conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message }));
}

function domainStatus({ host, source, expired, requiredBy }: EgressHost, record: HostRecord | undefined): DomainStatus {
  return {
    hosts: host.endsWith("/*") ? [] : [host],
    status: expired ? "EXPIRE" : "ACTIVE",
    ...(source !== "tcp" && source !== "mesh" && { source }),
    ...(record !== undefined && {
      firstSeen: iso(record.firstSeen),
      lastSeen: iso(record.lastSeen),
      requests: record.requests,
      ports: [...record.ports],
      ...(record.idleWindow !== undefined && { idleWindow: formatDuration(record.idleWindow) }),
    }),
    ...(requiredBy !== undefined && { requiredBy: [...requiredBy] }),
  };
}

/**
 * A static host with Slime's `auto` strategy that aged out. It stays in the status as expired, so
 * that a restart does not bring it back.
 */
function expiredAutoHosts(
  { fence, previous, edges }: StatusInput,
  live: Readonly<Record<string, DomainStatus>>,
): Record<string, DomainStatus> {
  const gone = Object.entries(previous.domains).filter(
    ([host, { source }]) =>
      source === "static" && !Object.hasOwn(live, host) && (Object.hasOwn(fence.spec.host, host) || edges.byUse?.has(host) === true),
  );
  return Object.fromEntries(gone.map(([host, domain]) => [host, { ...domain, status: "EXPIRE" as const }]));
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
