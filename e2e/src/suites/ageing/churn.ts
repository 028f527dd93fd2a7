import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadCall } from "../../pod-app/protocol.ts";
import { applyFence, failuresOf, untilDirect, untilFenced } from "../mesh/fence.ts";
import { sum } from "../mesh/figures.ts";
import { Metrics } from "../mesh/metrics.ts";
import { DB_PORT, startWebAndDatabase, type WebAndDatabase } from "../mesh/web-and-database.ts";
import { numbered } from "../mesh/workload.ts";
import type { Report } from "../suite.ts";
import { WINDOW } from "./mesh.ts";

const NAMESPACE = "ageing-churn";
const SERVICES = numbered("churn", 12);
/** Milliseconds between two calls to one of them, and between two connections to the database. */
const INTERVAL = 80;
/** Called so often that what is logged of it tells of the workload all the time. */
const BUSY = "busy";
const BUSY_INTERVAL = 2;
/**
 * Percentage of the calls that are logged: some each second of the busy host, and in most windows
 * none of another one. So hosts age out while they are called all the time.
 */
const SAMPLING = 0.2;
const DURATION = 9 * WINDOW;
/** Of the collectors' HTTP API. */
const API_PORT = 18_082;

/** Hosts age out while they are called, and are learned anew by the next call: none fails. */
export async function churnUnderLoad(lab: Lab, report: Report): Promise<void> {
  try {
    const fenceline = await report.step("Fenceline is told to log next to nothing", () =>
      Fenceline.install(lab, { collector: { replicas: 1 }, config: { telemetry: { sampling: SAMPLING } } }),
    );
    const { caller, address } = await report.step("a fenced caller and what it calls start", () => startScene(lab));
    await report.step(`${SERVICES.length} services and a database age out and come back under load: no call fails`, async () => {
      const collectors = await Promise.all(fenceline.collectors.map((collector) => Metrics.of(collector, API_PORT)));
      const total = async (series: string) => sum(await Promise.all(collectors.map((metrics) => metrics.read(series))));
      const [agedBefore, learnedBefore] = [await total("fenceline_edges_aged_total"), await total("fenceline_edges_learned_total")];
      const calls: LoadCall[] = SERVICES.map((name) => ({ url: urlOf(name), interval: INTERVAL }));
      calls.push({ url: urlOf(BUSY), interval: BUSY_INTERVAL }, { host: address, port: DB_PORT, send: "ping", interval: INTERVAL });
      const running = await Promise.all(calls.map((call) => caller.app.load(call)));
      const deadline = performance.now() + DURATION;
      await lab.until("the end of the load", () => performance.now() >= deadline, { timeout: 2 * DURATION, interval: 1_000 });
      const loads = await Promise.all(running.map((load) => load.stop()));
      const aged = (await total("fenceline_edges_aged_total")) - agedBefore;
      report.figure("hosts that aged out while they were called", aged);
      report.figure("hosts that were learned", (await total("fenceline_edges_learned_total")) - learnedBefore);
      report.figure("requests and connections meanwhile", sum(loads.map(({ sent }) => sent)));
      report.figure("of them failed", sum(loads.map(({ failed }) => failed)));
      assert.equal(sum(loads.map(({ failed }) => failed)), 0, failuresOf(loads, caller));
      assert.ok(aged >= SERVICES.length, `only ${aged} hosts aged out`);
    });
  } finally {
    await Fenceline.install(lab, { collector: { replicas: 2 } });
  }
}

async function startScene(lab: Lab): Promise<WebAndDatabase> {
  const scene = await startWebAndDatabase(lab, NAMESPACE, [...SERVICES, BUSY]);
  await applyFence(lab, NAMESPACE, "a", { idleWindow: `${WINDOW / 1_000}s`, tcp: "learn" });
  await untilFenced(lab, scene.caller);
  // One by one: how many first calls at a time go well is another suite's.
  for (const name of [...SERVICES, BUSY]) await untilDirect(lab, scene.caller, urlOf(name));
  return scene;
}

function urlOf(name: string): string {
  return `http://${name}.${NAMESPACE}/`;
}
