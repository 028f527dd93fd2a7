import assert from "node:assert/strict";
import { sidecarHosts, untilDirect } from "../mesh/fence.ts";
import { sleep } from "../mesh/sleep.ts";
import type { Report } from "../suite.ts";
import { egressHost, liveThrough, NAMESPACE, type Scene, urlOf } from "./scene.ts";

/** Milliseconds without any collector: longer than the idle window of the fence `short`. */
const AWAY = 25_000;

/**
 * How much longer a cold edge may take to its Sidecar without a leader than with one, in
 * milliseconds. The next leader comes after some fifteen seconds, and is not waited for.
 */
const WITHOUT_LEADER = 1_000;

/** One collector killed, the leader killed, all of them gone. */
export async function collectorOutages(scene: Scene, report: Report): Promise<void> {
  const { lab, fenceline } = scene;
  await report.step("a collector that does not lead is killed with -9: nothing fails, and a cold edge is learned meanwhile", async () => {
    const leader = await lab.until("a leader", () => fenceline.leader());
    const follower = fenceline.collectors.find((pod) => pod !== leader);
    assert.ok(follower !== undefined, "there is no second collector");
    const { direct } = await liveThrough(scene, { fail: () => follower.container("collector").kill() });
    report.figure("collector killed: first call of a cold edge → direct", direct, "ms");
  });
  await report.step(
    "the leader is killed with -9: nothing fails, and a cold edge is learned within a second, before there is another",
    async () => {
      const { rendered: usual } = await liveThrough(scene, { fail: async () => {} });
      report.figure("nothing killed: first call of a cold edge → in the Sidecar", usual, "ms");
      const before = await lab.until("a leader", () => fenceline.leaderIdentity());
      const leader = await lab.until("a leader", () => fenceline.leader());
      let start = 0;
      const another = async () => {
        const now = await fenceline.leaderIdentity();
        return now !== undefined && now !== before;
      };
      const recover = async () => {
        await lab.until("another leader", another, { interval: 50 });
        report.figure("leader killed → another leads", performance.now() - start, "ms");
      };
      const fail = () => {
        start = performance.now();
        return leader.container("collector").kill();
      };
      const { direct, rendered, renderedAfterRecovery } = await liveThrough(scene, { fail, recover });
      report.figure("leader killed: first call of a cold edge → in the Sidecar", rendered, "ms");
      report.figure("leader killed: first call of a cold edge → direct", direct, "ms");
      assert.ok(renderedAfterRecovery < 0, `the edge was rendered ${renderedAfterRecovery} ms after there was another leader`);
      assert.ok(rendered <= usual + WITHOUT_LEADER, `the edge took ${rendered} ms to its Sidecar, ${usual} ms where nothing was killed`);
    },
  );
  const url = urlOf("quiet");
  await report.step(
    `all collectors are away for ${AWAY / 1_000} s: nothing fails, and a cold edge is learned when they are back`,
    async () => {
      // Known now, and not called any more: its idle window ends while nobody looks.
      await untilDirect(lab, scene.short, url);
      const collectors = fenceline.deployment("collector");
      const fail = async () => {
        await Promise.all(fenceline.collectors.map((pod) => pod.container("collector").kill()));
        await collectors.scale(0);
      };
      const recover = async () => {
        await sleep(lab, AWAY);
        await collectors.scale(2);
      };
      const { directAfterRecovery } = await liveThrough(scene, { fail, recover });
      report.figure("collectors back → a cold edge called meanwhile is direct", directAfterRecovery, "ms");
    },
  );
  await report.step("nothing has aged while nobody looked", async () => {
    const hosts = await sidecarHosts(lab, NAMESPACE, "short");
    assert.ok(hosts?.includes(egressHost("quiet")), `the Sidecar has ${hosts?.join(", ")}`);
  });
}
