import assert from "node:assert/strict";
import type { FenceCondition } from "@fenceline/api";
import { FALLBACK_IDENTITY, Fenceline } from "../../fenceline/install.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence, failuresOf, firstCall, loadUntilDirect, readFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { sum } from "../mesh/figures.ts";
import { startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report } from "../suite.ts";
import { HIDDEN, liveThrough, NAMESPACE, requireSmooth, requireUnbroken, type Scene, urlOf } from "./scene.ts";

/** Milliseconds between two requests that take the fallback. */
const INTERVAL = 10;

/**
 * The global sidecar is rolled, with one replica and with two; then its only one is killed, and
 * then there is none for a while.
 */
export async function globalSidecarOutages(scene: Scene, report: Report): Promise<void> {
  for (const replicas of [2, 1]) {
    const named = `${replicas} ${replicas === 1 ? "replica" : "replicas"}`;
    await report.step(`the global sidecar is rolled, with ${named}: no request fails, on cold edges neither`, async () => {
      await Fenceline.install(scene.lab, { globalSidecar: { autoscaling: { enabled: false }, replicas } });
      const { fallback, cold, took } = await roll(scene);
      report.figure(`rolled with ${named}: it took`, took / 1_000, "s");
      report.figure(`rolled with ${named}: requests by way of the fallback, none failed`, fallback.sent);
      report.figure(`rolled with ${named}: cold edges meanwhile`, cold.length);
      report.figure(`rolled with ${named}: requests on them, none failed`, sum(cold.map(({ sent }) => sent)));
    });
  }
  await killed(scene, report);
  await allGone(scene, report);
}

interface Rolled {
  readonly fallback: LoadReport;
  readonly cold: readonly LoadReport[];
  readonly took: number;
}

/** Rolls it under two loads: on an edge that stays cold, and on one cold edge after another. */
async function roll(scene: Scene): Promise<Rolled> {
  const { lab, caller, fenceline } = scene;
  const hidden = await startHidden(caller);
  const start = performance.now();
  let rolling = true;
  const rolled = fenceline
    .deployment("global sidecar")
    .roll()
    .finally(() => {
      rolling = false;
    });
  const cold: LoadReport[] = [];
  const callColdOnes = async () => {
    while (rolling) cold.push(await loadUntilDirect(lab, caller, urlOf(scene.nextCold()), { interval: INTERVAL }));
  };
  await Promise.all([rolled, callColdOnes()]);
  const took = performance.now() - start;
  const fallback = await hidden.stop();
  assert.equal(fallback.failed, 0, failuresOf([fallback], caller));
  assert.deepEqual([...new Set(fallback.peers.map(({ peer }) => peer))], [FALLBACK_IDENTITY]);
  for (const load of cold) requireSmooth(load, caller);
  await requireUnbroken(scene);
  return { fallback, cold, took };
}

/** Calls that take the fallback, however often they are made. */
function startHidden({ app }: Workload): Promise<RunningLoad> {
  return app.load({ url: urlOf(HIDDEN), interval: INTERVAL });
}

/**
 * Requests that it has in hand are lost, and those that come before it is back; known edges do not
 * need it.
 */
async function killed(scene: Scene, report: Report): Promise<void> {
  const { lab, caller, fenceline } = scene;
  await report.step(
    "the only global sidecar is killed with -9: calls on known edges go on, and a cold edge is learned when it is back",
    async () => {
      const hidden = await startHidden(caller);
      const [pod] = fenceline.globalSidecars;
      assert.ok(pod !== undefined);
      await pod.container("global-sidecar").kill();
      const killedAt = Date.now();
      const url = urlOf(scene.nextCold());
      await lab.until("a call to a cold service to succeed", async () => (await caller.app.call(url)).status === 200);
      report.figure("only global sidecar killed → a cold call succeeds", Date.now() - killedAt, "ms");
      await untilDirect(lab, caller, url);
      const { failed } = await hidden.stop();
      report.figure("only global sidecar killed: requests through it that failed, at 100 a second", failed);
      await requireUnbroken(scene);
    },
  );
}

/**
 * Nobody takes calls to unknown hosts: they must not be sent there, and no further workload may be
 * made to depend on it.
 */
async function allGone(scene: Scene, report: Report): Promise<void> {
  const { lab, caller, fenceline } = scene;
  const deployment = fenceline.deployment("global sidecar");
  const late = await startWorkload(lab, NAMESPACE, "late");
  await report.step(
    "all global sidecars are gone: FallbackReady is False, known edges go on, unknown hosts take the passthrough",
    async () => {
      await deployment.scale(0);
      await lab.until("FallbackReady to be False", async () => (await condition(scene, "a", "FallbackReady"))?.status === "False");
      await lab.until("the route to the fallback to go", async () => !(await hasFallbackRoute(caller)));
      await requireUnbroken(scene);
    },
  );
  await report.step("a fence that is made now is not enforced: its workload sees the whole mesh", async () => {
    await applyFence(lab, NAMESPACE, "late");
    const enforced = await lab.until("its condition", () => condition(scene, "late", "Enforced"));
    assert.deepEqual([enforced.status, enforced.reason], ["False", "FallbackNotReady"]);
    assert.equal(await sidecarHosts(lab, NAMESPACE, "late"), undefined);
    assert.equal((await late.app.echo(urlOf(scene.nextCold()))).body.peer, late.identity);
  });
  await report.step("one is back: both fences are enforced, nothing was lost, and cold edges are learned as ever", async () => {
    const before = await sidecarHosts(lab, NAMESPACE, "a");
    const start = performance.now();
    await deployment.scale(1);
    await untilFenced(lab, caller);
    report.figure("global sidecar asked for again → cold calls are sent to it", performance.now() - start, "ms");
    await lab.until("FallbackReady to be True", async () => (await condition(scene, "a", "FallbackReady"))?.status === "True");
    await untilFenced(lab, late);
    await firstCall(late, urlOf(scene.nextCold()));
    assert.deepEqual(await sidecarHosts(lab, NAMESPACE, "a"), before);
    await liveThrough(scene, { fail: async () => {} });
  });
}

async function condition({ lab }: Scene, fence: string, type: FenceCondition["type"]): Promise<FenceCondition | undefined> {
  return (await readFence(lab, NAMESPACE, fence))?.status.conditions?.find((one) => one.type === type);
}

async function hasFallbackRoute({ pod }: Workload): Promise<boolean> {
  const [table] = await pod.envoy.routeTables("80");
  return table?.virtualHosts.some(({ routes }) => routes.some(({ name }) => name === "fenceline-fallback")) ?? false;
}
