/**
 * Callees with AuthorizationPolicies. One that names only a service account refuses by way of the
 * fallback, and the caller still gets through from then on. One that names the caller's namespace
 * is not cold. What no policy lets through is not learned, and is refused by the fallback where it
 * is told to.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../fenceline/install.ts";
import type { KubernetesObject } from "../lab/kubernetes/object.ts";
import type { Lab } from "../lab/lab.ts";
import { applyFence, learnedHosts, sidecarHosts, untilDirect, untilFenced } from "./mesh/fence.ts";
import { untilMeshKnows } from "./mesh/routes.ts";
import { applyServices, startWorkload, type Workload } from "./mesh/workload.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "authorization";
/** Of callees whose pods have sidecars, as its label says. */
const INJECTED = "authorization-injected";
const CALLEES = ["named", "closed", "denying", "open"] as const;
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
  await inInjectedNamespace(lab, report, fenceline, other);
}

async function inInjectedNamespace(lab: Lab, report: Report, fenceline: Fenceline, { app, identity }: Workload): Promise<void> {
  const url = (name: (typeof CALLEES)[number]) => `http://${name}.${INJECTED}/`;
  await report.step("the fence shows the Service whose policy comes to name its namespace", async () => {
    await startCallees(lab, fenceline);
    await lab.until("the Service to be shown", async () => {
      const hosts = (await sidecarHosts(lab, NAMESPACE, "other")) ?? [];
      return hosts.some((host) => host.includes(`named.${INJECTED}`));
    });
    await lab.until("its first call to be direct", async () => (await app.echo(url("named"))).body.peer === identity);
  });
  await report.step("a call that no policy lets through is refused, and not learned", async () => {
    assert.equal((await app.call(url("closed"))).status, FORBIDDEN);
    assert.equal((await app.call(url("open"))).status, 200);
    await lab.until("the call beside it to be learned", async () => (await learnedHosts(lab, NAMESPACE, "other")).includes(hostOf("open")));
    assert.ok(!(await learnedHosts(lab, NAMESPACE, "other")).includes(hostOf("closed")));
  });
  await report.step("a DENY of the caller's name holds once the edge is learned", async () => {
    assert.equal((await app.call(url("denying"))).status, 200);
    await lab.until("the callee to refuse", async () => (await app.call(url("denying"))).status === FORBIDDEN);
  });
  await report.step("with authorizationPolicies.denied: Refuse the fallback refuses by itself, and forwards all else", async () => {
    await Fenceline.install(lab, { "config.authorizationPolicies.denied": "Refuse" });
    await lab.until("the fallback to know it", async () => {
      const { status, body } = await app.call(url("closed"));
      return status === FORBIDDEN && (body as { code?: string }).code === "DENIED_BY_POLICY";
    });
    assert.equal((await app.echo(url("named"))).body.peer, identity);
  });
}

async function startCallees(lab: Lab, fenceline: Fenceline): Promise<void> {
  await lab.namespace(INJECTED, { "istio-injection": "enabled" });
  await Promise.all(CALLEES.map((name) => applyServices(lab, INJECTED, [name], name)));
  for (const name of CALLEES) await startWorkload(lab, INJECTED, name, { http: [8_080] });
  await untilMeshKnows(lab, fenceline, CALLEES.map(hostOf));
  const principals = [`cluster.local/ns/${NAMESPACE}/sa/other`];
  await lab.kubernetes.apply(policyFor(INJECTED, "named", "ALLOW", { namespaces: [NAMESPACE] }));
  await lab.kubernetes.apply(policyFor(INJECTED, "closed", "ALLOW", { namespaces: ["elsewhere"] }));
  await lab.kubernetes.apply(policyFor(INJECTED, "denying", "DENY", { principals }));
}

function hostOf(name: (typeof CALLEES)[number]): string {
  return `${name}.${INJECTED}.svc.cluster.local`;
}

async function startPods(lab: Lab, fenceline: Fenceline): Promise<readonly [Workload, Workload]> {
  await lab.kubernetes.apply(policyFor(NAMESPACE, "b", "ALLOW", { principals: [`cluster.local/ns/${NAMESPACE}/sa/allowed`] }));
  await applyServices(lab, NAMESPACE, ["b"], "b");
  for (const name of ["allowed", "other"]) await applyFence(lab, NAMESPACE, name);
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  const [allowed, other] = [await startWorkload(lab, NAMESPACE, "allowed"), await startWorkload(lab, NAMESPACE, "other")];
  for (const caller of [allowed, other]) await untilFenced(lab, caller);
  await untilMeshKnows(lab, fenceline, [`b.${NAMESPACE}.svc.cluster.local`]);
  return [allowed, other];
}

function policyFor(namespace: string, name: string, action: "ALLOW" | "DENY", source: object): KubernetesObject {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { namespace, name },
    spec: { selector: { matchLabels: { app: name } }, action, rules: [{ from: [{ source }] }] },
  };
}
