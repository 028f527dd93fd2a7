/**
 * A label on a Namespace fences every workload in it, except for a Service that says otherwise;
 * without the label nothing of it is left.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../fenceline/install.ts";
import { namespaceObject, serviceObject } from "../lab/kubernetes/manifests.ts";
import type { Lab } from "../lab/lab.ts";
import { firstCall, readFence, sidecarHosts, untilDirect, untilFenced } from "./mesh/fence.ts";
import { applyServices, HTTP_PORT, startWorkload, type Workload } from "./mesh/workload.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "auto1";
const FENCED = ["a", "b"];
const MADE_FOR_THEM = [
  ["microservice.slime.io/v1alpha1", "ServiceFence"],
  ["networking.istio.io/v1beta1", "Sidecar"],
  ["networking.istio.io/v1alpha3", "EnvoyFilter"],
] as const;

export const automaticFences: Suite = { name: "automatic-fences", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await lab.namespace(NAMESPACE);
  const [a, b] = await report.step("three workloads start, with a Service each; a has a headless one too", () => startPods(lab));
  await report.step("without a label none of them is fenced", async () => assert.deepEqual(await namesOf(lab), [[], [], []]));
  await report.step("the Namespace is labelled: a and b are fenced, once each, and c, which says false, is not", async () => {
    const start = performance.now();
    await labelNamespace(lab, "true");
    await lab.until("both fences to be enforced", async () =>
      (await Promise.all(FENCED.map((name) => isEnforced(lab, name)))).every(Boolean),
    );
    report.figure("label → both fences enforced", performance.now() - start, "ms");
    assert.deepEqual(await namesOf(lab), [FENCED, FENCED, FENCED]);
    await Promise.all([untilFenced(lab, a), untilFenced(lab, b)]);
  });
  await report.step("calls work: the first one through the fallback, then direct", async () => {
    await firstCall(a, `http://b.${NAMESPACE}/`);
    await firstCall(b, `http://c.${NAMESPACE}/`);
    await untilDirect(lab, a, `http://b.${NAMESPACE}/`);
    await untilDirect(lab, b, `http://c.${NAMESPACE}/`);
  });
  const before = (await readFence(lab, NAMESPACE, "a"))?.metadata.uid;
  await report.step("a's Service is deleted and made again", async () => {
    const service = serviceObject(NAMESPACE, "a", [HTTP_PORT]);
    await lab.kubernetes.delete(service);
    await lab.kubernetes.apply(service);
  });
  await report.step("b's Service says false: its fence goes; a's stays the one that it was, with what it has learned", async () => {
    await lab.kubernetes.apply(unfencedService("b"));
    await lab.until("b to be left alone", async () => (await namesOf(lab)).every((names) => names.join() === "a"));
    const fence = await readFence(lab, NAMESPACE, "a");
    assert.ok(before !== undefined);
    assert.equal(fence?.metadata.uid, before);
    assert.ok(Object.keys(fence.status.domains).includes(`b.${NAMESPACE}.svc.cluster.local`));
    await assertDirect(a, `http://b.${NAMESPACE}/`);
  });
  await report.step("the label is taken off: no fence, Sidecar or EnvoyFilter is left, and calls work", async () => {
    const start = performance.now();
    await labelNamespace(lab, undefined);
    await lab.until("everything to be gone", async () => (await namesOf(lab)).every((names) => names.length === 0));
    report.figure("label off → nothing left", performance.now() - start, "ms");
    await assertDirect(a, `http://b.${NAMESPACE}/`);
    await untilDirect(lab, a, `http://c.${NAMESPACE}/`);
  });
}

async function assertDirect({ app, identity }: Workload, url: string): Promise<void> {
  assert.equal((await app.echo(url)).body.peer, identity, `${url} was not direct`);
}

async function startPods(lab: Lab): Promise<readonly [Workload, Workload]> {
  await applyServices(lab, NAMESPACE, ["a"], "a");
  await applyServices(lab, NAMESPACE, ["b"], "b");
  await lab.kubernetes.apply(unfencedService("c"));
  await lab.kubernetes.apply(serviceObject(NAMESPACE, "a-headless", [HTTP_PORT], { clusterIP: "None", selector: { app: "a" } }));
  const start = (name: string) => startWorkload(lab, NAMESPACE, name, { http: [8_080] });
  const [a, b] = await Promise.all([start("a"), start("b"), start("c")]);
  await Promise.all([untilDirect(lab, a, `http://b.${NAMESPACE}/`), untilDirect(lab, b, `http://c.${NAMESPACE}/`)]);
  return [a, b];
}

function unfencedService(name: string) {
  const service = serviceObject(NAMESPACE, name, [HTTP_PORT]);
  return { ...service, metadata: { ...service.metadata, labels: { "slime.io/serviceFenced": "false" } } };
}

/** Server-side apply takes away what an earlier one said and this one does not. */
function labelNamespace(lab: Lab, fenced: string | undefined): Promise<unknown> {
  return lab.kubernetes.apply(namespaceObject(NAMESPACE, fenced === undefined ? {} : { "slime.io/serviceFenced": fenced }));
}

async function isEnforced(lab: Lab, name: string): Promise<boolean> {
  const { conditions = [] } = (await readFence(lab, NAMESPACE, name))?.status ?? {};
  const isTrue = conditions.some(({ type, status }) => type === "Enforced" && status === "True");
  return isTrue && (await sidecarHosts(lab, NAMESPACE, name)) !== undefined;
}

/** Names of the fences, Sidecars and EnvoyFilters in the namespace. */
async function namesOf(lab: Lab): Promise<readonly (readonly string[])[]> {
  return Promise.all(
    MADE_FOR_THEM.map(async ([version, kind]) =>
      (await lab.kubernetes.list(version, kind, NAMESPACE)).map(({ metadata }) => metadata.name).sort(),
    ),
  );
}
