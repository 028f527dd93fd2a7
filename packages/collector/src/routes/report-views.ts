import { type FenceKey, formatFenceKey, type ServiceFenceStatus } from "@fenceline/api";
import { compareKeys, type PageRequest, type Step } from "@fenceline/http-api";
import type { FenceReport } from "@fenceline/render/report";
import type { FenceSeen } from "../fence/desired-fence.ts";
import { type ReportedMesh, reportOfFence, serviceFootprints } from "../fence/report-of-fence.ts";
import type { Mesh } from "../mesh.ts";
import { type FenceReader, keysFrom } from "./views.ts";

/** The input of reports: fences as they are now, and their mesh. */
export interface ReportSource extends Pick<FenceReader, "fences"> {
  /** The input of a fence's desired state, and its status; undefined if there is no such fence. */
  look(fence: FenceKey): { readonly seen: FenceSeen; readonly status: ServiceFenceStatus } | undefined;
  mesh(): Mesh;
}

/** The number of some hosts, and their names where these are wanted. */
interface CountedHosts {
  readonly count: number;
  readonly hosts?: readonly string[];
}

/** The report of one fence as the API shows it. */
export interface ReportView extends Pick<FenceReport, "mode" | "verdict" | "reasons" | "saves"> {
  readonly fence: string;
  readonly namespace: string;
  readonly name: string;
  readonly shows: CountedHosts;
  readonly hides: CountedHosts;
  readonly risks: readonly RiskView[];
  readonly observed: ObservedView;
}

interface RiskView extends Partial<CountedHosts> {
  readonly reason: string;
  readonly against?: string;
  readonly message: string;
}

/** Times as text; lengths of time in seconds. */
interface ObservedView {
  readonly since?: string;
  readonly until?: string;
  readonly seconds: number;
  readonly longestPeriodSeconds: number;
}

/** Reports by namespace and name, one fence a step. The first steps look at the mesh. */
export function* reportSteps(source: ReportSource, page: PageRequest): Generator<Step> {
  const mesh = yield* inSteps(source);
  for (const fence of keysFrom(source.fences(), page)) {
    const key = [fence.namespace, fence.name];
    if (page.after !== undefined && compareKeys(key, page.after) <= 0) continue;
    const report = reportOf(source, fence, mesh);
    yield report === undefined ? [] : [{ key, value: reportView(report, "None") }];
  }
}

/** Which hosts are named: none, those that a fence shows, or also those that it hides. */
export type Names = "None" | "Shown" | "All";

/** The report of one fence; undefined where there is no such fence. */
export function* reportInSteps(source: ReportSource, fence: FenceKey, names: Names): Generator<Step, ReportView | undefined> {
  const mesh = yield* inSteps(source);
  const report = reportOf(source, fence, mesh);
  return report && reportView(report, names);
}

function* inSteps(source: ReportSource): Generator<Step, ReportedMesh> {
  const { registry, meshHosts } = source.mesh();
  return { registry, meshHosts, services: yield* serviceFootprints(registry) };
}

function reportOf(source: ReportSource, fence: FenceKey, mesh: ReportedMesh): FenceReport | undefined {
  const found = source.look(fence);
  return found && reportOfFence(found.seen, found.status, mesh);
}

function reportView({ fence, shows, hides, risks, observation, ...rest }: FenceReport, names: Names): ReportView {
  const { mode, verdict, reasons, saves } = rest;
  const counted = (hosts: readonly string[], areHidden = false): CountedHosts => {
    const isNamed = names === "All" || (names === "Shown" && !areHidden);
    return { count: hosts.length, ...(isNamed && { hosts }) };
  };
  return {
    fence: formatFenceKey(fence),
    ...fence,
    ...{ mode, verdict, reasons },
    shows: counted(shows),
    hides: counted(hides, true),
    saves,
    risks: risks.map(({ hosts, areHidden, ...risk }) => ({ ...risk, ...(hosts && counted(hosts, areHidden)) })),
    observed: observedView(observation),
  };
}

function observedView({ since, until, observed, longestPeriod }: FenceReport["observation"]): ObservedView {
  return {
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(until !== undefined && { until: new Date(until).toISOString() }),
    seconds: Math.round(observed / 1_000),
    longestPeriodSeconds: Math.round(longestPeriod / 1_000),
  };
}
