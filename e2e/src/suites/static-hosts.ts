/**
 * What a person wrote into a fence is direct from the first call on; everything else still goes
 * through the fallback.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../fenceline/install.ts";
import type { KubernetesObject } from "../lab/kubernetes/object.ts";
import type { Lab } from "../lab/lab.ts";
import { applyFence, firstCall, sidecarHosts, untilDirect, untilFenced } from "./mesh/fence.ts";
import { applyServices, startWorkload, type Workload } from "./mesh/workload.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "test1";
const SHARED = "test2";

/** As it stands in the design, and in many a mesh that ran Slime. */
const FENCE: KubernetesObject = {
  apiVersion: "microservice.netease.com/v1alpha1",
  kind: "ServiceFence",
  metadata: { name: "a", namespace: NAMESPACE },
  spec: { enable: true, host: { "b.test1.svc.cluster.local": { stable: {} } } },
};

export const staticHosts: Suite = { name: "static-hosts", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  for (const namespace of [NAMESPACE, SHARED]) await lab.namespace(namespace);
  const { a, c } = await report.step("callees start, and then callers that have a fence already", () => startPods(lab));
  await report.step("ServiceFence a of group microservice.netease.com: a's first call to b is direct", async () => {
    await assertDirect(a, `http://b.${NAMESPACE}.svc.cluster.local/`, report);
    await assertDirect(a, "http://b/", report);
  });
  await report.step("a's first call to a service that the fence does not name goes through the fallback", () =>
    firstCall(a, `http://unlisted.${NAMESPACE}/`),
  );
  await report.step(`a fence with ${SHARED}/*: the first call to each service of ${SHARED} is direct`, async () => {
    for (const name of ["x", "y"]) await assertDirect(c, `http://${name}.${SHARED}/`, report);
  });
  await report.step(`a service that is new in ${SHARED} becomes direct by itself: its Sidecar stays as it is`, async () => {
    const before = await sidecarHosts(lab, NAMESPACE, "c");
    const start = performance.now();
    await applyServices(lab, SHARED, ["z"], "d");
    // No Envoy knows it at first, not the fallback's either, and nobody else answers for a
    // ClusterIP here: a call then would hang.
    await untilDirect(lab, c, { url: `http://z.${SHARED}/`, timeout: 500 });
    report.figure("service made → direct call", performance.now() - start, "ms");
    assert.deepEqual(await sidecarHosts(lab, NAMESPACE, "c"), before);
  });
  await report.step(`its first call to a service of ${NAMESPACE} goes through the fallback`, () => firstCall(c, `http://b.${NAMESPACE}/`));
}

async function startPods(lab: Lab): Promise<{ readonly a: Workload; readonly c: Workload }> {
  await lab.kubernetes.apply(FENCE);
  await applyFence(lab, NAMESPACE, "c", { host: { [`${SHARED}/*`]: { stable: {} } } });
  await applyServices(lab, NAMESPACE, ["b", "unlisted"], "b");
  await applyServices(lab, SHARED, ["x", "y"], "d");
  // First the callees: a caller that starts later gets their endpoints with its first
  // configuration.
  await Promise.all([
    startWorkload(lab, NAMESPACE, "b", { http: [8_080] }),
    startWorkload(lab, SHARED, "d", { http: [8_080] }),
    lab.until("both fences to be rendered", async () => {
      const [one, other] = await Promise.all([sidecarHosts(lab, NAMESPACE, "a"), sidecarHosts(lab, NAMESPACE, "c")]);
      return one !== undefined && other !== undefined;
    }),
  ]);
  const [a, c] = await Promise.all([startWorkload(lab, NAMESPACE, "a"), startWorkload(lab, NAMESPACE, "c")]);
  await Promise.all([untilFenced(lab, a), untilFenced(lab, c)]);
  return { a, c };
}

async function assertDirect({ app, identity }: Workload, url: string, report: Report): Promise<void> {
  const { body, took } = await app.echo(url);
  assert.equal(body.peer, identity, `${url} was not direct`);
  report.figure(`first call to ${url}`, took, "ms");
}
