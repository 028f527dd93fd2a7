/** What the on_demand filter is for: without it, switch-overs lose requests. */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { hasOnDemand, loadUntilDirect } from "../mesh/fence.ts";
import { numbered } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { reportLoads, startFencedCaller } from "./cold-edges.ts";

const NAMESPACE = "without-on-demand";
const MOST_EDGES = 100;
/** Enough to see that it is no accident. */
const LOST = 3;

export const withoutOnDemand: Suite = { name: "without-on-demand", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed with onDemand: never", () =>
    Fenceline.install(lab, { config: { onDemand: "never" } }),
  );
  try {
    const caller = await startFencedCaller(lab, report, fenceline, NAMESPACE, MOST_EDGES);
    assert.equal(await hasOnDemand(caller), false);
    const loads: LoadReport[] = [];
    const lost = () => loads.filter(({ failed }) => failed > 0);
    await report.step(`cold edges until ${LOST} switch-overs have lost a request`, async () => {
      for (const name of numbered("s", MOST_EDGES)) {
        loads.push(await loadUntilDirect(lab, caller, `http://${name}.${NAMESPACE}/`));
        if (lost().length >= LOST) break;
      }
    });
    reportLoads(report, caller, loads);
    await report.step("they did: Envoy answered 503 itself, for it had the route before its cluster", async () => {
      assert.notEqual(lost().length, 0, `no request was lost in ${loads.length} switch-overs`);
      for (const { reason } of loads.flatMap(({ failures }) => failures)) assert.match(reason, /^503 /);
    });
  } finally {
    await Fenceline.install(lab);
  }
}
