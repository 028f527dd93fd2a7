/** A fence that shows hosts, hides them, ends and begins, under load: no call notices. */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { sum } from "../mesh/figures.ts";
import type { Report, Suite } from "../suite.ts";
import { failedIn, failuresIn, NAMESPACE, type Scene, startLoads, startScene, untilShown, untilUnfenced, writeFence } from "./scene.ts";

const ROUNDS = 100;
/** Of the rounds that are for what lies beside the hosts of a fence. */
const FEW = 10;
const FENCE = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: { namespace: NAMESPACE, name: "a" } };

export const switchOvers: Suite = { name: "switch-overs", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  const scene = await report.step("a fenced caller, a web service and a database start", async () => {
    const started = await startScene(lab);
    await writeFence(lab, true);
    await untilShown(lab, started, true);
    return started;
  });
  const hideAndShow = async () => {
    await writeFence(lab, false);
    await untilShown(lab, scene, false);
    await writeFence(lab, true);
    await untilShown(lab, scene, true);
  };
  await report.step(`${ROUNDS} narrowings and ${ROUNDS} widenings, HTTP and TCP: no request and no connection fails`, () =>
    unbroken(report, scene, "hidden and shown", ROUNDS, hideAndShow),
  );
  await report.step("a fence that hides what is called is switched off and on: nothing fails", async () => {
    await writeFence(lab, false);
    await untilShown(lab, scene, false);
    await unbroken(report, scene, "switched off and on", FEW, async () => {
      await writeFence(lab, false, "Off");
      await untilUnfenced(lab, scene);
      await writeFence(lab, false);
      await untilShown(lab, scene, false);
    });
  });
  await report.step("a fence that hides what is called is deleted: what Kubernetes' garbage collector takes away in one step", async () => {
    const loads = await loadedRounds(scene, FEW, async () => {
      await lab.kubernetes.delete(FENCE);
      await untilUnfenced(lab, scene);
      await writeFence(lab, false);
      await untilShown(lab, scene, false);
    });
    figures(report, "deleted and made", FEW, loads);
  });
  await withoutOnDemand(lab, report, scene, hideAndShow);
}

/** Without the filter HTTP hosts come in two steps, too. */
async function withoutOnDemand(lab: Lab, report: Report, scene: Scene, hideAndShow: () => Promise<void>): Promise<void> {
  try {
    await report.step(`without Envoy's on_demand filter: ${FEW} narrowings and widenings, and nothing fails`, async () => {
      await Fenceline.install(lab, { config: { onDemand: "never" } });
      await writeFence(lab, true);
      await untilShown(lab, scene, true);
      await unbroken(report, scene, "without on_demand", FEW, hideAndShow);
    });
  } finally {
    await Fenceline.install(lab);
  }
}

async function unbroken(report: Report, scene: Scene, what: string, rounds: number, round: () => Promise<void>): Promise<void> {
  const loads = await loadedRounds(scene, rounds, round);
  figures(report, what, rounds, loads);
  assert.equal(failedIn(loads), 0, failuresIn(loads));
}

async function loadedRounds(scene: Scene, rounds: number, round: () => Promise<void>): Promise<readonly LoadReport[]> {
  const loads = await startLoads(scene);
  try {
    for (let count = 0; count < rounds; count++) await round();
  } catch (error) {
    await Promise.all(loads.map((load) => load.stop()));
    throw error;
  }
  return Promise.all(loads.map((load) => load.stop()));
}

function figures(report: Report, what: string, rounds: number, loads: readonly LoadReport[]): void {
  report.figure(`${what}: rounds`, rounds);
  report.figure(`${what}: requests and connections`, sum(loads.map(({ sent }) => sent)));
  report.figure(`${what}: of them failed, HTTP`, loads[0]?.failed ?? 0);
  report.figure(`${what}: of them failed, TCP`, loads[1]?.failed ?? 0);
}
