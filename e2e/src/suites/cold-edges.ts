/** A fenced workload calls services it never called: nothing fails, and the calls go direct soon. */
import assert from "node:assert/strict";
import { Fenceline } from "../fenceline/install.ts";
import type { Lab } from "../lab/lab.ts";
import type { LoadReport } from "../pod-app/protocol.ts";
import { applyFence, failuresOf, firstCall, loadUntilDirect, timeToDirect, untilFenced } from "./mesh/fence.ts";
import { percentile, sum } from "./mesh/figures.ts";
import { applyServices, numbered, startWorkload, type Workload } from "./mesh/workload.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "cold-edges";
const EDGES = 20;

export const coldEdges: Suite = { name: "cold-edges", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await lab.namespace(NAMESPACE);
  const names = numbered("s", EDGES);
  const caller = await report.step("a caller and a callee with many names start", () => startPods(lab, names));
  await report.step("a fence without hosts reaches the caller's Envoy, and a first call goes through the fallback", async () => {
    await applyFence(lab, NAMESPACE, "a");
    await untilFenced(lab, caller);
    await firstCall(caller, `http://first.${NAMESPACE}/`);
  });
  const loads: LoadReport[] = [];
  await report.step(`${EDGES} cold edges, each called once a millisecond until it is direct`, async () => {
    for (const name of names) loads.push(await loadUntilDirect(lab, caller, `http://${name}.${NAMESPACE}/`));
  });
  const times = loads.map((load) => timeToDirect(load, caller));
  const failed = sum(loads.map((load) => load.failed));
  report.figure("first request → first direct one, p50", percentile(times, 0.5), "ms");
  report.figure("first request → first direct one, longest", percentile(times, 1), "ms");
  report.figure("requests", sum(loads.map(({ sent }) => sent)));
  report.figure("requests skipped because 32 were in flight", sum(loads.map(({ skipped }) => skipped)));
  report.figure("failed requests", failed);
  await report.step("no request failed", async () => assert.equal(failed, 0, failuresOf(loads, caller)));
}

async function startPods(lab: Lab, names: readonly string[]): Promise<Workload> {
  await applyServices(lab, NAMESPACE, ["first", ...names], "b");
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  return startWorkload(lab, NAMESPACE, "a");
}
