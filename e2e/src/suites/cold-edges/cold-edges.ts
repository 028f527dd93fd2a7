/**
 * A fenced workload calls services it never called: nothing fails, and the calls go direct soon.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence, failuresOf, firstCall, loadUntilDirect, timeToDirect, untilFenced } from "../mesh/fence.ts";
import { percentile, sum } from "../mesh/figures.ts";
import { untilMeshKnows } from "../mesh/routes.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { reportedAt, reportStages, watchHosts } from "./stages.ts";

const NAMESPACE = "cold-edges";
const EDGES = 100;

export const coldEdges: Suite = { name: "cold-edges", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  const caller = await startFencedCaller(lab, report, fenceline, NAMESPACE, EDGES);
  const sightings = await watchHosts(lab, NAMESPACE);
  const loads = new Map<string, LoadReport>();
  await report.step(`${EDGES} cold edges, each called once a millisecond until it is direct`, async () => {
    for (const name of numbered("s", EDGES))
      loads.set(hostOf(NAMESPACE, name), await loadUntilDirect(lab, caller, `http://${name}.${NAMESPACE}/`));
  });
  sightings.stop();
  const failed = reportLoads(report, caller, [...loads.values()]);
  reportStages(report, caller, loads, reportedAt(fenceline), sightings);
  await report.step("no request failed", async () => assert.equal(failed, 0, failuresOf([...loads.values()], caller)));
}

/**
 * A caller with a fence that holds nothing of the callee's many names but the first, which the
 * fence has learned already.
 */
export async function startFencedCaller(
  lab: Lab,
  report: Report,
  fenceline: Fenceline,
  namespace: string,
  edges: number,
): Promise<Workload> {
  await lab.namespace(namespace);
  const names = ["first", ...numbered("s", edges)];
  const caller = await report.step("a caller, and a callee with many names, start", async () => {
    await applyServices(lab, namespace, names, "b");
    await startWorkload(lab, namespace, "b", { http: [8_080] });
    const workload = await startWorkload(lab, namespace, "a");
    await untilMeshKnows(
      lab,
      fenceline,
      names.map((name) => hostOf(namespace, name)),
    );
    return workload;
  });
  await report.step("a fence without hosts reaches the caller's Envoy, and a first call goes through the fallback", async () => {
    await applyFence(lab, namespace, "a");
    await untilFenced(lab, caller);
    await firstCall(caller, `http://first.${namespace}/`);
  });
  return caller;
}

/** The figures of some switch-overs; returns how many requests failed. */
export function reportLoads(report: Report, caller: Workload, loads: readonly LoadReport[]): number {
  const times = loads.map((load) => timeToDirect(load, caller));
  const failed = sum(loads.map((load) => load.failed));
  report.figure("switch-overs", loads.length);
  report.figure("first request → first direct one, p50 (goal 250)", percentile(times, 0.5), "ms");
  report.figure("first request → first direct one, p99 (goal 500)", percentile(times, 0.99), "ms");
  report.figure("first request → first direct one, longest", percentile(times, 1), "ms");
  report.figure("requests", sum(loads.map(({ sent }) => sent)));
  report.figure("requests skipped because too many were in flight", sum(loads.map(({ skipped }) => skipped)));
  report.figure("failed requests", failed);
  report.figure("switch-overs that lost a request", loads.filter((load) => load.failed > 0).length);
  return failed;
}

function hostOf(namespace: string, name: string): string {
  return `${name}.${namespace}.svc.cluster.local`;
}
