import { untilMeshKnows } from "../mesh/routes.ts";
import { sleep } from "../mesh/sleep.ts";
import { applyServices, startWorkload } from "../mesh/workload.ts";
import type { Report } from "../suite.ts";
import { liveThrough, NAMESPACE, type Scene } from "./scene.ts";

/** Milliseconds without an API server. */
const AWAY = 30_000;

/** Milliseconds for its start, which on a busy machine takes a minute and more. */
const TIMEOUT = 180_000;

/**
 * The API server is away, for everybody: for Fenceline, istiod, the controllers and the kubelet.
 */
export async function apiServerOutage(scene: Scene, report: Report): Promise<void> {
  const { lab } = scene;
  const { process, client } = lab.controlPlane.apiServer;
  const sentence = `the API server is away for ${AWAY / 1_000} s: nothing fails, and a cold edge is learned when it is back`;
  await report.step(sentence, async () => {
    const recover = async () => {
      await sleep(lab, AWAY);
      await process.start();
    };
    const { renderedAfterRecovery, directAfterRecovery } = await liveThrough(scene, { fail: () => process.kill(), recover });
    report.figure("API server started again → Sidecar with a cold edge called meanwhile", renderedAfterRecovery, "ms");
    // istiod pauses for up to half a minute between two tries of its own.
    report.figure("API server started again → that edge is direct", directAfterRecovery, "ms");
    const isReady = () => client.request("GET", "/readyz").then(() => true);
    await lab.until("the API server", isReady, { timeout: TIMEOUT, stillPossible: () => process.requireRunning() });
  });
  await report.step("the rest of the control plane has lived through it", async () => {
    lab.controlPlane.istiod.requireRunning();
    lab.controlPlane.controllerManager.requireRunning();
    await lab.until("a leader", () => scene.fenceline.leader());
  });
  // Each of istiod's watches comes back in its own time, half a minute at most. Until those of pods
  // and endpoints have, nothing may be rolled.
  await report.step("the mesh takes in a new pod again", async () => {
    await applyServices(lab, NAMESPACE, ["new"], "new");
    await startWorkload(lab, NAMESPACE, "new", { http: [8_080] });
    await untilMeshKnows(lab, scene.fenceline, [`new.${NAMESPACE}.svc.cluster.local`], { timeout: TIMEOUT });
  });
}
