/**
 * Cold edges without the on_demand filter: hosts come in two steps, and no request is lost either.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { failuresOf, hasOnDemand, loadUntilDirect } from "../mesh/fence.ts";
import { numbered } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { reportLoads, startFencedCaller } from "./cold-edges.ts";

const NAMESPACE = "without-on-demand";
/** In one step, 16 of 20 lost a request. */
const EDGES = 30;

export const withoutOnDemand: Suite = { name: "without-on-demand", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed with onDemand: never", () =>
    Fenceline.install(lab, { config: { onDemand: "never" } }),
  );
  try {
    const caller = await startFencedCaller(lab, report, fenceline, NAMESPACE, EDGES);
    assert.equal(await hasOnDemand(caller), false);
    const loads: LoadReport[] = [];
    await report.step(`${EDGES} cold edges, each called once a millisecond until it is direct`, async () => {
      for (const name of numbered("s", EDGES)) loads.push(await loadUntilDirect(lab, caller, `http://${name}.${NAMESPACE}/`));
    });
    const failed = reportLoads(report, caller, loads);
    await report.step("no request failed", async () => assert.equal(failed, 0, failuresOf(loads, caller)));
  } finally {
    await Fenceline.install(lab);
  }
}
