import { isDeepStrictEqual } from "node:util";
import type { Condition, DomainStatus, ServiceFence, ServiceFenceStatus } from "@fenceline/api";
import type { FenceEdges, HostRecord } from "@fenceline/edges";
import type { EgressHost, Rendered } from "@fenceline/render";

/** What a fence's status is made from. */
export interface StatusInput {
  readonly fence: ServiceFence;
  readonly previous: ServiceFenceStatus;
  readonly hosts: readonly EgressHost[];
  readonly edges: FenceEdges;
  readonly rendered: Rendered;
  readonly fallbackReady: boolean;
  /** Names of Sidecars of others that are for the same pods. */
  readonly conflicts: readonly string[];
  readonly now: number;
}

/** The status that says what is true now. `lastTransitionTime` of a condition moves only when the condition does. */
export function fenceStatus(input: StatusInput): ServiceFenceStatus {
  const { previous, hosts, edges, now } = input;
  const records = new Map(edges.hosts().map((record) => [record.host, record]));
  const shown = hosts.filter(({ source }) => source !== "tcp");
  const domains = Object.fromEntries(shown.map((host) => [host.host, domainStatus(host, records.get(host.host))]));
  const observedUntil = edges.observedUntil === undefined ? previous.observedUntil : iso(edges.observedUntil);
  return {
    domains: { ...expiredAutoHosts(input, domains), ...domains },
    ...(previous.metricStatus && { metricStatus: previous.metricStatus }),
    ...(observedUntil !== undefined && { observedUntil }),
    conditions: conditions(input).map((condition) => withTransition(condition, previous.conditions ?? [], now)),
  };
}

/** Whether two statuses differ in more than times and counts, which change with every call and are written only now and then. */
export function differsInSubstance(a: ServiceFenceStatus, b: ServiceFenceStatus): boolean {
  return !isDeepStrictEqual(substance(a), substance(b));
}

function substance({ domains, conditions = [] }: ServiceFenceStatus) {
  return {
    domains: Object.fromEntries(Object.entries(domains).map(([host, { status, source, ports = [] }]) => [host, { status, source, ports }])),
    conditions: conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  };
}

function domainStatus({ host, source, expired }: EgressHost, record: HostRecord | undefined): DomainStatus {
  return {
    hosts: host.endsWith("/*") ? [] : [host],
    status: expired ? "EXPIRE" : "ACTIVE",
    ...(source !== "tcp" && { source }),
    ...(record !== undefined && {
      firstSeen: iso(record.firstSeen),
      lastSeen: iso(record.lastSeen),
      requests: record.requests,
      ports: [...record.ports],
    }),
  };
}

/** A static host with Slime's `auto` strategy that aged out: it stays in the status as expired, so that a restart does not bring it back. */
function expiredAutoHosts({ fence, previous }: StatusInput, live: Readonly<Record<string, DomainStatus>>): Record<string, DomainStatus> {
  const gone = Object.entries(previous.domains).filter(
    ([host, { source }]) => source === "static" && live[host] === undefined && host in fence.spec.host,
  );
  return Object.fromEntries(gone.map(([host, domain]) => [host, { ...domain, status: "EXPIRE" as const }]));
}

type Judgement = Omit<Condition, "lastTransitionTime">;

function conditions({ rendered, edges, fallbackReady, conflicts }: StatusInput): Judgement[] {
  const refused = "refused" in rendered ? rendered.refused : undefined;
  const ready: Judgement =
    refused === undefined
      ? { type: "Ready", status: "True", reason: "Rendered", message: `mode ${rendered.mode}` }
      : { type: "Ready", status: "False", ...refused };
  const enforced: Judgement = rendered.objects.some(({ kind }) => kind === "Sidecar")
    ? { type: "Enforced", status: "True", reason: "SidecarRendered", message: "the workload sees only the hosts of this fence" }
    : {
        type: "Enforced",
        status: "False",
        reason: notEnforced(rendered, fallbackReady, conflicts),
        message: "the workload sees the whole mesh",
      };
  const telemetry: Judgement =
    edges.observedUntil === undefined
      ? {
          type: "TelemetryFlowing",
          status: "Unknown",
          reason: "NothingYet",
          message: "no access log of this workload's proxies since the collector started",
        }
      : { type: "TelemetryFlowing", status: "True", reason: "AccessLogsArrive", message: "access logs of this workload's proxies arrive" };
  const fallback: Judgement = fallbackReady
    ? { type: "FallbackReady", status: "True", reason: "EndpointsReady", message: "the global sidecar takes calls to unknown hosts" }
    : {
        type: "FallbackReady",
        status: "False",
        reason: "NoEndpoints",
        message: "no endpoint of the global sidecar is ready: unknown hosts take Istio's passthrough",
      };
  const conflict: Judgement =
    conflicts.length === 0
      ? { type: "Conflict", status: "False", reason: "NoOtherSidecar", message: "no other Sidecar is for these pods" }
      : {
          type: "Conflict",
          status: "True",
          reason: "OtherSidecar",
          message: `Sidecar ${conflicts.join(", ")} is for the same pods: delete it, or switch the fence off`,
        };
  return [ready, enforced, conflict, fallback, telemetry];
}

function notEnforced(rendered: Rendered, fallbackReady: boolean, conflicts: readonly string[]): string {
  if ("refused" in rendered) return rendered.refused.reason;
  if (rendered.mode === "Enforce" && conflicts.length > 0) return "Conflict";
  return rendered.mode === "Enforce" && !fallbackReady ? "FallbackNotReady" : `Mode${rendered.mode}`;
}

function withTransition(condition: Judgement, previous: readonly Condition[], now: number): Condition {
  const before = previous.find(({ type }) => type === condition.type);
  return { ...condition, lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : iso(now) };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
