import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Pod } from "../../lab/pod/pod.ts";
import type { Report } from "../suite.ts";
import type { Scene } from "./scene.ts";

const TO_FALLBACK = "outbound|80||global-sidecar";
const INTO_FALLBACK = "inbound|18080||";

/**
 * Waits until the caller's Envoy, and the global sidecar's own, speak to the fallback what the
 * client speaks, or until both do not.
 */
export async function untilClientProtocol(
  lab: Lab,
  { fenceline, caller }: Pick<Scene, "fenceline" | "caller">,
  wanted: boolean,
): Promise<void> {
  await lab.until(`the way to the fallback to keep the client's protocol: ${wanted}`, async () => {
    const [callers, ...own] = await Promise.all([
      keepsProtocol(caller.pod, TO_FALLBACK),
      ...fenceline.globalSidecars.map(({ pod }) => keepsProtocol(pod, INTO_FALLBACK)),
    ]);
    return [callers, ...own].every((keeps) => keeps === wanted);
  });
}

async function keepsProtocol({ envoy }: Pod, cluster: string): Promise<boolean> {
  const configs = await envoy.configDump("?resource=dynamic_active_clusters");
  const found = configs.find((config) => (config.cluster as { name: string }).name.startsWith(cluster));
  return JSON.stringify(found ?? {}).includes("use_downstream_protocol_config");
}

/**
 * What the DestinationRule is for: without it, gRPC ends on the way to the fallback, and HTTP/1.1
 * does not notice.
 */
export async function withoutClientProtocol(report: Report, scene: Scene): Promise<void> {
  const { lab, caller } = scene;
  try {
    await report.step("without globalSidecar.useClientProtocol, a first gRPC call fails, and a first HTTP/1.1 call does not", async () => {
      await Fenceline.install(lab, { globalSidecar: { autoscaling: { enabled: false }, replicas: 1, useClientProtocol: false } });
      await untilClientProtocol(lab, scene, false);
      const { status, details } = await caller.app.grpc({ target: scene.coldTarget(), kind: "Unary" });
      report.figure("first gRPC call without the DestinationRule", `status ${status}, ${details}`);
      assert.notEqual(status, 0);
      await caller.app.echo(`http://${scene.coldHost()}/`);
    });
  } finally {
    await Fenceline.install(lab);
  }
}
