import { type FenceCondition, type FenceMode, formatDuration, type Judgement, LONGEST_MESSAGE, shortened } from "@fenceline/api";
import type { VisibleHost } from "./mesh-inventory.ts";
import { type Observation, type SeenHost, wasCalled } from "./observation.ts";
import type { Risk, Verdict } from "./verdict.ts";

/** The input of the risks of enforcing a fence. */
export interface RisksInput {
  readonly mode: FenceMode;
  /** Why nothing could be rendered for it in Enforce. Default: something can. */
  readonly refused?: { readonly reason: string; readonly message: string } | undefined;
  /** The conditions in the fence's status; empty where there are none yet. */
  readonly conditions: readonly Judgement<FenceCondition["type"]>[];
  readonly edges: readonly SeenHost[];
  /** Milliseconds after which a host that is not seen ages out. */
  readonly idleWindow: number;
  /** Whether a host is a Service's. */
  readonly isService: (host: string) => boolean;
}

/** If a host was called less often than this, there may be others that are called as rarely. */
const FEW_CALLS = 10;
/** How many periods between calls must have been observed: a daily call comes twice then. */
const PERIODS = 2;

/**
 * What may go wrong when a fence is enforced. A hidden host is no outage, since calls to it use the
 * fallback. So most risks are about calls that would use it unexpectedly.
 *
 * @param hidden what enforcing would hide
 */
export function risksOf(input: RisksInput, observation: Observation, hidden: readonly VisibleHost[]): readonly Risk[] {
  const { mode, refused } = input;
  const off = mode === "Off" ? [against("Wait", "ModeOff", "a fence that is off observes nothing: set spec.mode to Observe")] : [];
  return [
    ...off,
    ...(refused === undefined ? [] : [against("No", refused.reason, refused.message)]),
    ...conditionRisks(input),
    ...timeRisks(input, observation),
    ...hostRisks(input, hidden),
  ];
}

/** The status that these conditions should have; other conditions do not count. */
const EXPECTED: Readonly<Partial<Record<FenceCondition["type"], "True" | "False">>> = {
  Ready: "True",
  Conflict: "False",
  FallbackReady: "True",
  TelemetryFlowing: "True",
  AcceptedByProxies: "True",
  AtCapacity: "False",
  WorkloadFound: "True",
  Accepted: "True",
  MeshObjectsSeen: "True",
};

/** Reasons that pass by themselves, or only mean that something is not known. */
const PASSING: ReadonlySet<string> = new Set(["NotWrittenYet", "NotDeletedYet", "FallbackNotReady", "NoEndpoints"]);
/** Conditions that istiods may never report, without anything being wrong. */
const MAY_BE_UNKNOWN: ReadonlySet<FenceCondition["type"]> = new Set(["AcceptedByProxies"]);
const WAITING: ReadonlySet<FenceCondition["type"]> = new Set(["TelemetryFlowing", "WorkloadFound"]);

function conditionRisks({ mode, conditions }: RisksInput): readonly Risk[] {
  if (mode === "Off") return [];
  if (conditions.length === 0) return [against("Wait", "NotJudgedYet", "no collector has judged the fence yet")];
  return conditions.flatMap(({ type, status, reason, message }) => {
    const expected = EXPECTED[type];
    if (expected === undefined || status === expected || (status === "Unknown" && MAY_BE_UNKNOWN.has(type))) return [];
    const passes = status === "Unknown" || WAITING.has(type) || PASSING.has(reason);
    return [against(passes ? "Wait" : "No", reason, `${type} is ${status}: ${message}`)];
  });
}

function timeRisks({ mode, idleWindow }: RisksInput, { since, observed, longestPeriod }: Observation): readonly Risk[] {
  if (mode === "Off") return [];
  if (since === undefined) return [against("Wait", "NotObserved", "no call of the workload, or no telemetry of its proxies, was seen yet")];
  if (observed < idleWindow)
    return [against("Wait", "ObservedTooShortly", `observed for less than the idle window of ${formatDuration(idleWindow)}`)];
  if (observed >= PERIODS * longestPeriod) return [];
  return [against("Wait", "ObservedTooShortly", `observed for less than ${PERIODS} times the longest period between calls to a host`)];
}

function hostRisks({ edges, isService }: RisksInput, hidden: readonly VisibleHost[]): readonly Risk[] {
  const called = edges.filter(wasCalled);
  const few = called.filter(({ requests }) => requests < FEW_CALLS);
  const preloaded = edges.filter((edge) => edge.source === "preloaded" && !wasCalled(edge));
  return [
    told("FewCalls", `called fewer than ${FEW_CALLS} times: there may be others of their kind that were not called yet`, namesOf(few)),
    told(
      "NoService",
      "no Service has them: a ServiceEntry, a VirtualService or nobody; what becomes of calls depends on objects of others",
      namesOf(called.filter(({ host }) => !host.endsWith("/*") && !isService(host))),
    ),
    told(
      "EntriesHidden",
      "hosts of ServiceEntries that would be hidden: a first call goes past Istio, to the address that the application resolved",
      namesOf(hidden.filter((host) => !host.isService)),
      true,
    ),
    told(
      "TcpHidden",
      "hosts with a port that is not HTTP: a first connection to them goes past the mesh, without mTLS, and fails where the callee asks for it",
      namesOf(hidden.filter(({ isTcp }) => isTcp)),
      true,
    ),
    told("Preloaded", "shown only because they were preloaded: those that nobody calls leave the fence", namesOf(preloaded)),
  ].filter(({ hosts }) => hosts.length > 0);
}

function namesOf(hosts: readonly { readonly host: string }[]): readonly string[] {
  return hosts.map(({ host }) => host);
}

function told(reason: string, message: string, hosts: readonly string[], areHidden = false) {
  return { reason, message, hosts, ...(areHidden && { areHidden }) };
}

function against(verdict: Exclude<Verdict, "Ready">, reason: string, message: string): Risk {
  return { reason, against: verdict, message: shortened(message, LONGEST_MESSAGE) };
}
