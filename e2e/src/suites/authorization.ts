/**
 * A callee that lets only its caller in: by way of the fallback it refuses, and the caller still
 * gets through from then on.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../fenceline/install.ts";
import type { KubernetesObject } from "../lab/kubernetes/object.ts";
import type { Lab } from "../lab/lab.ts";
import { applyFence, untilDirect, untilFenced } from "./mesh/fence.ts";
import { untilMeshKnows } from "./mesh/routes.ts";
import { applyServices, startWorkload, type Workload } from "./mesh/workload.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "authorization";
const FORBIDDEN = 403;

export const authorization: Suite = { name: "authorization", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await lab.namespace(NAMESPACE);
  const [allowed, other] = await report.step("b, which lets only the caller 'allowed' in, and two fenced callers start", () =>
    startPods(lab, fenceline),
  );
  const url = `http://b.${NAMESPACE}/`;
  await report.step("the first call of either is refused: b sees the fallback", async () => {
    for (const { app } of [allowed, other]) assert.equal((await app.call(url)).status, FORBIDDEN);
  });
  const start = performance.now();
  await report.step("the caller that is allowed gets through", () => untilDirect(lab, allowed, url));
  report.figure("refused → direct", performance.now() - start, "ms");
  await report.step("the other one is refused by b itself: a fence gives sight, not access", async () => {
    await lab.until("b to be visible", () =>
      other.pod.envoy.clusterNames().then((names) => names.includes(`outbound|80||b.${NAMESPACE}.svc.cluster.local`)),
    );
    assert.equal((await other.app.call(url)).status, FORBIDDEN);
  });
}

async function startPods(lab: Lab, fenceline: Fenceline): Promise<readonly [Workload, Workload]> {
  await lab.kubernetes.apply(onlyFor("allowed"));
  await applyServices(lab, NAMESPACE, ["b"], "b");
  for (const name of ["allowed", "other"]) await applyFence(lab, NAMESPACE, name);
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  const [allowed, other] = [await startWorkload(lab, NAMESPACE, "allowed"), await startWorkload(lab, NAMESPACE, "other")];
  for (const caller of [allowed, other]) await untilFenced(lab, caller);
  await untilMeshKnows(lab, fenceline, [`b.${NAMESPACE}.svc.cluster.local`]);
  return [allowed, other];
}

function onlyFor(serviceAccount: string): KubernetesObject {
  const principals = [`cluster.local/ns/${NAMESPACE}/sa/${serviceAccount}`];
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { namespace: NAMESPACE, name: "b" },
    spec: { selector: { matchLabels: { app: "b" } }, action: "ALLOW", rules: [{ from: [{ source: { principals } }] }] },
  };
}
