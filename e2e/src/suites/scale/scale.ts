/**
 * What a workload's Envoy holds follows what the workload calls, not what else there is in the
 * mesh.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence, failuresOf, loadUntilDirect, timeToDirect, untilDirect, untilFenced } from "../mesh/fence.ts";
import { percentile, sum } from "../mesh/figures.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { clustersOf, type Footprint, footprintOf } from "./footprint.ts";
import { type ProcessUse, useOf } from "./process-use.ts";
import { UnrelatedServices } from "./unrelated-services.ts";

const NAMESPACE = "scale";
const SIZES = [1_000, 3_000];
/** Cold edges that are measured at each size. */
const EDGES = 5;
const CALLED = "called";
/** The most that a fenced Envoy may grow: the bound. */
const FLAT = 1.1;

export const scale: Suite = { name: "scale", run };

interface Scene {
  readonly lab: Lab;
  readonly report: Report;
  readonly fenceline: Fenceline;
  readonly fenced: Workload;
  readonly unfenced: Workload;
}

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await lab.namespace(NAMESPACE);
  const edges = [0, ...SIZES].map((size) => numbered(`cold${size}-`, EDGES));
  await applyServices(lab, NAMESPACE, [CALLED, ...edges.flat()], "b");
  const scene = await report.step("a callee, a fenced caller and an unfenced one start", async () => {
    await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
    return { lab, report, fenceline, fenced: await startFenced(lab, "fenced"), unfenced: await startWorkload(lab, NAMESPACE, "unfenced") };
  });
  // Connections take memory, and under load their number varies: what is measured calls nobody.
  const busy = await report.step("a second fenced caller starts, which calls all the time", () => startFenced(lab, "busy"));
  const services = await UnrelatedServices.prepare(lab);
  const load = await busy.app.load({ url: urlOf(CALLED), interval: 10 });
  const before = await report.step("both Envoys are measured", () => measure(scene, 0));
  await measureColdEdges(scene, busy, 0, edges[0] ?? []);
  for (const [index, size] of SIZES.entries()) {
    const now = await grow(scene, services, size, before);
    await report.step(`the fenced Envoy is as large as without them; the unfenced one has all ${size}`, async () => {
      assert.ok(now.unfenced.clusters >= before.unfenced.clusters + size);
      assert.ok(now.fenced.clusters <= before.fenced.clusters * FLAT, `${now.fenced.clusters} clusters, before ${before.fenced.clusters}`);
      assert.ok(now.fenced.memory <= before.fenced.memory * FLAT, `${now.fenced.memory} MB, before ${before.fenced.memory} MB`);
    });
    await measureColdEdges(scene, busy, size, edges[index + 1] ?? []);
  }
  await report.step("no request of the busy caller failed meanwhile", () => requireNoFailure(load, report));
}

interface Footprints {
  readonly fenced: Footprint;
  readonly unfenced: Footprint;
}

/** Starts a workload whose fence has learned one host. */
async function startFenced(lab: Lab, name: string): Promise<Workload> {
  const workload = await startWorkload(lab, NAMESPACE, name);
  await applyFence(lab, NAMESPACE, name);
  await untilFenced(lab, workload);
  await untilDirect(lab, workload, urlOf(CALLED));
  return workload;
}

/**
 * Creates services until there are so many, and measures when the unfenced Envoy knows them all.
 */
async function grow(scene: Scene, services: UnrelatedServices, size: number, before: Footprints): Promise<Footprints> {
  const { lab, report, unfenced } = scene;
  const used = collectorUse(scene);
  const start = performance.now();
  await report.step(`there are ${size} services that neither calls`, () => services.growTo(size));
  report.figure(`${size}: time to create them`, (performance.now() - start) / 1_000, "s");
  await report.step("the unfenced Envoy has a cluster for each", async () => {
    const hasAll = async () => (await clustersOf(unfenced.pod.envoy)) >= before.unfenced.clusters + size;
    await lab.until("the clusters", hasAll, { interval: 200, timeout: 120_000 });
  });
  const now = await report.step("both Envoys are measured", () => measure(scene, size));
  for (const [index, { memory, cpu }] of collectorUse(scene).entries()) {
    report.figure(`${size}: collector ${index + 1}, resident memory`, memory, "MB");
    report.figure(`${size}: collector ${index + 1}, CPU meanwhile`, cpu - (used[index]?.cpu ?? 0), "s");
  }
  return now;
}

async function measure({ lab, report, fenced, unfenced }: Scene, size: number): Promise<Footprints> {
  const now = { fenced: await footprintOf(lab, fenced.pod.envoy), unfenced: await footprintOf(lab, unfenced.pod.envoy) };
  const row = (value: (footprint: Footprint) => number | string) => `${value(now.fenced)} | ${value(now.unfenced)}`;
  report.figure(
    `${size}: clusters, fenced | unfenced`,
    row(({ clusters }) => clusters),
  );
  report.figure(
    `${size}: virtual hosts of port 80, fenced | unfenced`,
    row(({ virtualHosts }) => virtualHosts),
  );
  report.figure(
    `${size}: allocated MB, fenced | unfenced`,
    row(({ memory }) => memory.toFixed(1)),
  );
  report.figure(
    `${size}: config updates so far, fenced | unfenced`,
    row(({ pushes }) => pushes),
  );
  return now;
}

async function measureColdEdges({ lab, report }: Scene, caller: Workload, size: number, names: readonly string[]): Promise<void> {
  const loads: LoadReport[] = [];
  await report.step(`${names.length} cold edges beside ${size} services: no request fails`, async () => {
    for (const name of names) loads.push(await loadUntilDirect(lab, caller, urlOf(name)));
    assert.equal(sum(loads.map(({ failed }) => failed)), 0, failuresOf(loads, caller));
  });
  const times = loads.map((load) => timeToDirect(load, caller));
  report.figure(`${size}: first request → first direct one, median of ${names.length}`, percentile(times, 0.5), "ms");
}

function collectorUse({ fenceline }: Scene): readonly ProcessUse[] {
  return fenceline.collectors.map((pod) => useOf(pod.container("collector").pid));
}

async function requireNoFailure(load: RunningLoad, report: Report): Promise<void> {
  const { sent, failed, failures } = await load.stop();
  report.figure("requests of the busy caller meanwhile", sent);
  assert.equal(failed, 0, JSON.stringify(failures));
}

function urlOf(service: string): string {
  return `http://${service}.${NAMESPACE}/`;
}
