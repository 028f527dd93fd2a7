/**
 * Two collectors, and the Envoys of one workload split between them: together they learn one fence,
 * and write no more than one would.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import { App } from "../../lab/pod/app.ts";
import { applyFence, failuresOf, loadUntilDirect, readFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { sleep } from "../mesh/sleep.ts";
import { SteadyLoad } from "../mesh/steady-load.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { CollectorMetrics } from "./collector-metrics.ts";
import { countWrites, since, type Writes } from "./writes.ts";

const NAMESPACE = "replicas";
const EDGES = 30;
const SEEN = numbered("seen", EDGES);
const COLD = numbered("cold", EDGES);
const KNOWN = urlOf("known");
/**
 * Every Envoy chooses one of the two collectors: all of these choose the same one in one of 128
 * runs.
 */
const MOST_CALLERS = 8;
/**
 * Calls that show to which collector a caller sends its access logs; those of the caller before it
 * may come a second late, and are fewer.
 */
const PROBES = 20;
/** Milliseconds without anything new. */
const IDLE = 30_000;
/**
 * Status patches that one learned edge may cost: the collector that sees it first writes it, and so
 * may the other, from its own access logs; the leader may then have something to add.
 */
const MOST_STATUSES = 3;

export const replicas: Suite = { name: "replicas", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed, with two collectors", () => Fenceline.install(lab));
  const collectors = await Promise.all(fenceline.collectors.map((collector) => CollectorMetrics.of(collector)));
  assert.equal(collectors.length, 2);
  await report.step("a fence that observes, and a callee with many names", () => startFirst(lab));
  const callers = await report.step("each of the two collectors takes access logs of one pod at least", () =>
    splitCallers(lab, collectors),
  );
  await report.step(`${EDGES} edges, called by both in turn, are learned from access logs, half by each collector`, async () => {
    const { writes, learned } = await during(lab, collectors, () => seeInTurn(lab, callers));
    tell(report, "observed", writes, learned);
    for (const count of learned) assert.ok(count >= EDGES / 2, `a collector has seen ${count}`);
    requireFew(writes, 0);
  });
  await report.step(`${EDGES} cold edges, called by both in turn, are learned without a failed request`, async () => {
    await applyFence(lab, NAMESPACE, "a");
    for (const caller of callers) await untilFenced(lab, caller);
    const { writes, learned } = await during(lab, collectors, () => learnInTurn(lab, callers));
    tell(report, "enforced", writes, learned);
    requireFew(writes, EDGES);
  });
  await report.step("there is one fence and one Sidecar, with every edge", () => requireOneFence(lab));
  await report.step(`nothing is written in ${IDLE / 1_000} s in which both call what they know`, async () => {
    const loads = await Promise.all(callers.map((caller) => SteadyLoad.start(caller, [KNOWN])));
    const idle = await writesWhile(lab, IDLE);
    for (const load of loads) await load.stop();
    assert.deepEqual(idle, { sidecars: 0, envoyFilters: 0, statuses: 0, conflicts: 0 });
  });
}

/**
 * What was written, and how many edges each collector saw before it was told of them, while
 * something was done.
 */
async function during(lab: Lab, collectors: readonly CollectorMetrics[], act: () => Promise<void>) {
  const learned = () => Promise.all(collectors.map((collector) => collector.edgesLearned()));
  const [writesBefore, learnedBefore] = [await settledWrites(lab), await learned()];
  await act();
  const writes = since(writesBefore, await settledWrites(lab));
  return { writes, learned: (await learned()).map((count, index) => count - (learnedBefore[index] ?? 0)) };
}

/**
 * No conflict, no Sidecar too many, and for an edge no more status patches than there are writers
 * with something to say.
 */
function requireFew(writes: Writes, mostSidecars: number): void {
  assert.equal(writes.conflicts, 0);
  assert.equal(writes.envoyFilters, 0);
  assert.ok(writes.sidecars <= mostSidecars, `${writes.sidecars} writes of the Sidecar`);
  assert.ok(writes.statuses <= MOST_STATUSES * EDGES, `${writes.statuses} status patches`);
}

async function startFirst(lab: Lab): Promise<void> {
  await lab.namespace(NAMESPACE);
  await applyServices(lab, NAMESPACE, ["known", ...SEEN, ...COLD], "b");
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  await applyFence(lab, NAMESPACE, "a", { mode: "Observe" });
}

/**
 * Starts pods of the workload until two of them send their access logs to different collectors. One
 * caller per collector, in their order.
 */
async function splitCallers(lab: Lab, collectors: readonly CollectorMetrics[]): Promise<readonly Workload[]> {
  const callers = new Map<CollectorMetrics, Workload>();
  for (let number = 1; number <= MOST_CALLERS && callers.size < collectors.length; number++) {
    const caller = await startCaller(lab, number);
    callers.set(await collectorOf(lab, caller, collectors), caller);
  }
  const found = collectors.flatMap((collector) => callers.get(collector) ?? []);
  assert.equal(found.length, collectors.length, `${MOST_CALLERS} Envoys chose the same collector`);
  return found;
}

/** One more pod of the workload that the fence is for. */
async function startCaller(lab: Lab, number: number): Promise<Workload> {
  const pod = await lab.pod({ namespace: NAMESPACE, name: `a-${number}`, labels: { app: "a" }, serviceAccount: "a" });
  const app = await App.start(pod, {});
  await pod.setReady(true);
  const caller = { pod, app, identity: `spiffe://cluster.local/ns/${NAMESPACE}/sa/a` };
  await untilDirect(lab, caller, KNOWN);
  return caller;
}

/** The collector whose count of entries goes up with this caller's calls. */
async function collectorOf(lab: Lab, { app }: Workload, collectors: readonly CollectorMetrics[]): Promise<CollectorMetrics> {
  const count = () => Promise.all(collectors.map((collector) => collector.entries()));
  const before = await count();
  return lab.until("a collector to have its access logs", async () => {
    await app.echo(KNOWN);
    const after = await count();
    return collectors.find((_, index) => (after[index] ?? 0) - (before[index] ?? 0) >= PROBES);
  });
}

async function seeInTurn(lab: Lab, callers: readonly Workload[]): Promise<void> {
  for (const [index, name] of SEEN.entries()) await callers[index % callers.length]?.app.echo(urlOf(name));
  await lab.until("the fence to have every edge", async () => {
    const domains = (await readFence(lab, NAMESPACE, "a"))?.status.domains ?? {};
    return SEEN.every((name) => domains[hostOf(name)]?.source === "learned");
  });
}

async function learnInTurn(lab: Lab, callers: readonly Workload[]): Promise<void> {
  for (const [index, name] of COLD.entries()) {
    const caller = callers[index % callers.length];
    assert.ok(caller !== undefined);
    const load = await loadUntilDirect(lab, caller, urlOf(name), { interval: 10 });
    assert.equal(load.failed, 0, failuresOf([load], caller));
  }
}

async function requireOneFence(lab: Lab): Promise<void> {
  const sidecars = await lab.kubernetes.list("networking.istio.io/v1beta1", "Sidecar", NAMESPACE);
  assert.deepEqual(
    sidecars.map(({ metadata }) => metadata.name),
    ["a"],
  );
  const hosts = await sidecarHosts(lab, NAMESPACE, "a");
  const { status } = (await readFence(lab, NAMESPACE, "a")) ?? {};
  for (const host of [...SEEN, ...COLD].map(hostOf)) {
    assert.ok(hosts?.includes(`${NAMESPACE}/${host}`), `${host} is not in the Sidecar`);
    assert.equal(status?.domains[host]?.source, "learned");
  }
}

function tell(report: Report, how: string, writes: Writes, learned: readonly number[]): void {
  for (const [index, count] of learned.entries())
    report.figure(`${how}: of ${EDGES} edges, seen by collector ${index + 1} before it was told of them`, count);
  report.figure(`${how}: writes of the Sidecar, per edge`, writes.sidecars / EDGES);
  report.figure(`${how}: patches of the fence's status, per edge`, writes.statuses / EDGES);
  report.figure(`${how}: writes that met a conflict (409)`, writes.conflicts);
}

/** The count once nothing more is written: access logs come up to a second later. */
async function settledWrites(lab: Lab): Promise<Writes> {
  const isQuiet = async () => {
    const { sidecars, envoyFilters, statuses } = await writesWhile(lab, 3_000);
    return sidecars + envoyFilters + statuses === 0;
  };
  await lab.until("everything to be written", isQuiet, { timeout: 60_000 });
  return countWrites(lab);
}

async function writesWhile(lab: Lab, milliseconds: number): Promise<Writes> {
  const before = await countWrites(lab);
  await sleep(lab, milliseconds);
  return since(before, await countWrites(lab));
}

function urlOf(name: string): string {
  return `http://${name}.${NAMESPACE}/`;
}

function hostOf(name: string): string {
  return `${name}.${NAMESPACE}.svc.cluster.local`;
}
