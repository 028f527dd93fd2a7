/**
 * However a host is written: the first call to it succeeds, later ones go direct, and the fence
 * holds the service that was meant.
 */
import assert from "node:assert/strict";
import { FALLBACK_IDENTITY, Fenceline } from "../../fenceline/install.ts";
import { serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence, failuresOf, firstCall, learnedHosts, loadUntilDirect, timeToDirect, untilDirect, untilFenced } from "../mesh/fence.ts";
import { percentile, sum } from "../mesh/figures.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { FORMS, type Form, HEADLESS, NAMED_PODS, NAMESPACE, POD_PORT, PORTS, type ServiceAddress, THREE_LABELS } from "./forms.ts";

const MADE_UP = "made-up-header";

export const hostForms: Suite = { name: "host-forms", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await lab.namespace(NAMESPACE);
  const caller = await report.step(
    "a caller and callees start; a fence without hosts reaches the caller's Envoy, on every port that a callee has",
    () => startPods(lab),
  );
  const loads: LoadReport[] = [];
  for (const form of FORMS) {
    await report.step(`${form.title}: cold, then direct; the fence holds ${form.service}`, async () => {
      const load = await learn(lab, caller, form);
      loads.push(load);
      report.figure(form.title, timeToDirect(load, caller), "ms");
    });
  }
  report.figure(
    "first request → first direct one, p50 of all forms",
    percentile(
      loads.map((load) => timeToDirect(load, caller)),
      0.5,
    ),
    "ms",
  );
  report.figure("requests", sum(loads.map(({ sent }) => sent)));
  await report.step("a made-up Host header, sent to a ClusterIP: it answers, and the fence holds its service", () =>
    madeUpHost(lab, caller),
  );
  await report.step("<pod>.<service>.<namespace>: refused in STRICT at first, learned by that, then direct", () =>
    threeLabels(lab, caller),
  );
  await report.step("the fence holds these services and no other", async () => {
    const expected = [...FORMS.map(({ service }) => service), MADE_UP, THREE_LABELS.service].map(
      (name) => `${name}.${NAMESPACE}.svc.cluster.local`,
    );
    assert.deepEqual([...(await learnedHosts(lab, NAMESPACE, "a"))].sort(), expected.sort());
  });
}

async function startPods(lab: Lab): Promise<Workload> {
  for (const form of FORMS) {
    const { service, ports, headless } = form;
    const clusterIP = headless ? { clusterIP: "None" as const } : {};
    await lab.kubernetes.apply(serviceObject(NAMESPACE, service, ports, { selector: { app: "b" }, ...clusterIP }));
  }
  // A headless Service whose pod is called by name has that pod alone.
  for (const { pod, service } of NAMED_PODS) {
    await lab.kubernetes.apply(serviceObject(NAMESPACE, service, HEADLESS, { selector: { app: pod }, clusterIP: "None" }));
  }
  await applyServices(lab, NAMESPACE, [MADE_UP], "b");
  await applyFence(lab, NAMESPACE, "a");
  const http = [POD_PORT];
  await Promise.all([
    startWorkload(lab, NAMESPACE, "b", { http }),
    ...NAMED_PODS.map(({ pod, service }) => startWorkload(lab, NAMESPACE, pod, { http }, { subdomain: service })),
  ]);
  const caller = await startWorkload(lab, NAMESPACE, "a");
  await untilFenced(lab, caller, PORTS);
  return caller;
}

/** Calls until it is direct, and looks at what was learned. */
async function learn(lab: Lab, caller: Workload, form: Form): Promise<LoadReport> {
  const call = form.call(await addressOf(lab, form.service));
  const load = await loadUntilDirect(lab, caller, call);
  assert.equal(load.failed, 0, failuresOf([load], caller));
  const { body } = await caller.app.echo(call);
  assert.equal(body.headers.host, call.headers?.host ?? new URL(call.url).host, "the callee saw another Host");
  const first = load.peers.toSorted((one, other) => one.firstAt - other.firstAt)[0];
  assert.equal(first?.peer, FALLBACK_IDENTITY, "the first request did not go through the fallback");
  assert.ok((await learnedHosts(lab, NAMESPACE, "a")).includes(`${form.service}.${NAMESPACE}.svc.cluster.local`));
  for (const other of form.alsoDirect ?? [])
    assert.equal((await caller.app.echo(other)).body.peer, caller.identity, `${other} is not direct`);
  return load;
}

/**
 * The form of a pod's name that the fallback cannot take: it would have to take every external name
 * of three labels. So the first call takes Istio's passthrough, in plain text. Its access log tells
 * the pod's address.
 */
async function threeLabels(lab: Lab, caller: Workload): Promise<void> {
  const { pod, service } = THREE_LABELS;
  const url = `http://${pod}.${service}.${NAMESPACE}:${POD_PORT}/`;
  assert.equal((await caller.app.call(url)).status, 503);
  await untilDirect(lab, caller, url);
}

/**
 * No Envoy has a route for such a host, however wide its view: it never becomes direct, and without
 * a fence a STRICT callee would refuse the plain text of Istio's passthrough. What is learned is
 * the service that the address belongs to.
 */
async function madeUpHost(lab: Lab, caller: Workload): Promise<void> {
  const { clusterIP } = await addressOf(lab, MADE_UP);
  const host = `${MADE_UP}.${NAMESPACE}.svc.cluster.local`;
  const call = { url: `http://${clusterIP}/`, headers: { host: "made-up" } };
  await firstCall(caller, call);
  assert.equal((await caller.app.echo(call)).body.headers.host, "made-up");
  await lab.until(`${host} to be learned`, async () => (await learnedHosts(lab, NAMESPACE, "a")).includes(host));
  await firstCall(caller, call);
}

async function addressOf(lab: Lab, name: string): Promise<ServiceAddress> {
  const found = await lab.kubernetes.get({ apiVersion: "v1", kind: "Service", metadata: { namespace: NAMESPACE, name } });
  const { clusterIP } = (found as { spec?: { clusterIP?: string } } | undefined)?.spec ?? {};
  assert.ok(clusterIP, `Service ${name} has no ClusterIP`);
  return { name, clusterIP };
}
