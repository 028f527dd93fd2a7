/**
 * A fence that shows hosts, hides them, ends, is deleted and begins, under load: no call notices.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Propagation } from "../../lab/kubernetes/client.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { sum } from "../mesh/figures.ts";
import { DB } from "../mesh/web-and-database.ts";
import { numbered } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import {
  COLD,
  failedIn,
  failuresIn,
  NAMESPACE,
  type Scene,
  startLoads,
  startScene,
  untilShown,
  untilUnfenced,
  writeFence,
} from "./scene.ts";

const ROUNDS = 100;
/** Of the rounds that are for what lies beside the hosts of a fence. */
const FEW = 10;
const FENCE = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: { namespace: NAMESPACE, name: "a" } };
/**
 * A host in use is never hidden, whatever a spec says of it. So access logs tell of next to none of
 * the calls here, and nothing tells how long pushes take. What comes back is called by way of the
 * fallback before, and that does tell: so each web service is hidden once.
 */
const UNSEEN = { telemetry: { sampling: 0.0001 }, switchOver: { unobservedPause: "1s" } };
const WEBS = numbered("web", ROUNDS + FEW + 1);

export const switchOvers: Suite = { name: "switch-overs", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab, { config: UNSEEN }));
  const scene = await report.step("a fenced caller, web services and a database start", async () => {
    const started = await startScene(lab, WEBS);
    await writeFence(lab, [DB, ...WEBS]);
    await untilShown(lab, started, [...WEBS, DB], true);
    return started;
  });
  await report.step(`${ROUNDS} narrowings and ${ROUNDS} widenings, HTTP and TCP: no request and no connection fails`, () =>
    hideAndShow(lab, report, scene, "hidden and shown", WEBS.slice(0, ROUNDS)),
  );
  await report.step("a fence that hides what is called is switched off and on: nothing fails", async () => {
    await writeFence(lab, []);
    await untilShown(lab, scene, [COLD, DB], false);
    await unbroken(report, "switched off and on", FEW, await loadedRounds(scene, FEW, () => offAndOn(lab, scene)));
  });
  for (const propagation of ["Background", "Foreground"] as const)
    await report.step(`a fence that hides what is called is deleted (${propagation}) and made: nothing fails`, async () => {
      const what = `deleted (${propagation}) and made`;
      await unbroken(report, what, FEW, await loadedRounds(scene, FEW, () => deleteAndMake(lab, scene, propagation)));
    });
  await withoutOnDemand(lab, report, scene);
}

/** Without the filter HTTP hosts come in two steps, too. */
async function withoutOnDemand(lab: Lab, report: Report, scene: Scene): Promise<void> {
  // The first is called while it may still go by way of the fallback, and so is learned.
  const [called = "", ...left] = WEBS.slice(ROUNDS);
  try {
    await report.step(`without Envoy's on_demand filter: ${FEW} narrowings and widenings, and nothing fails`, async () => {
      await Fenceline.install(lab, { config: { ...UNSEEN, onDemand: "never" } });
      await writeFence(lab, [DB, called, ...left]);
      await untilShown(lab, scene, [called, ...left, DB], true);
      await hideAndShow(lab, report, scene, "without on_demand", left);
    });
  } finally {
    await Fenceline.install(lab);
  }
}

/** Hides each of the web services, and the database with it, and shows them again. */
async function hideAndShow(lab: Lab, report: Report, scene: Scene, what: string, webs: readonly string[]): Promise<void> {
  const all: LoadReport[] = [];
  for (const web of webs) {
    const others = webs.filter((other) => other !== web);
    const loads = await startLoads(scene, web);
    await writeFence(lab, others);
    await untilShown(lab, scene, [web, DB], false);
    await writeFence(lab, [DB, ...webs]);
    await untilShown(lab, scene, [web, DB], true);
    all.push(...(await Promise.all(loads.map((load) => load.stop()))));
  }
  await unbroken(report, what, webs.length, all);
}

async function offAndOn(lab: Lab, scene: Scene): Promise<void> {
  await writeFence(lab, [], "Off");
  await untilUnfenced(lab, scene);
  await writeFence(lab, []);
  await untilShown(lab, scene, [COLD, DB], false);
}

async function deleteAndMake(lab: Lab, scene: Scene, propagation: Propagation): Promise<void> {
  await lab.kubernetes.delete(FENCE, propagation);
  await untilUnfenced(lab, scene);
  await writeFence(lab, []);
  await untilShown(lab, scene, [COLD, DB], false);
}

async function unbroken(report: Report, what: string, rounds: number, loads: readonly LoadReport[]): Promise<void> {
  figures(report, what, rounds, loads);
  assert.equal(failedIn(loads), 0, failuresIn(loads));
}

/** Loads on what the fence hides, over some rounds. */
async function loadedRounds(scene: Scene, rounds: number, round: () => Promise<void>): Promise<readonly LoadReport[]> {
  const loads = await startLoads(scene, COLD);
  try {
    for (let count = 0; count < rounds; count++) await round();
  } catch (error) {
    await Promise.all(loads.map((load) => load.stop()));
    throw error;
  }
  return Promise.all(loads.map((load) => load.stop()));
}

/** Of each pair of loads the first is HTTP. */
function figures(report: Report, what: string, rounds: number, loads: readonly LoadReport[]): void {
  const failed = (rest: number) => sum(loads.flatMap((load, index) => (index % 2 === rest ? load.failed : [])));
  report.figure(`${what}: rounds`, rounds);
  report.figure(`${what}: requests and connections`, sum(loads.map(({ sent }) => sent)));
  report.figure(`${what}: of them failed, HTTP`, failed(0));
  report.figure(`${what}: of them failed, TCP`, failed(1));
}
