/**
 * Ports of a Service against a real kube-apiserver with RBAC. FENCELINE_KUBECONFIG names its
 * kubeconfig, which must allow everything.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { ServicePort } from "@fenceline/api";
import { collectionPath, KubernetesApi, kubeConfigLoader, monotonicClock, objectPath, type Resource } from "@fenceline/kubernetes";
import { KubeConfig } from "@kubernetes/client-node";
import { LeaderWrites } from "./apply/leader-writes.ts";
import { AppliedServicePorts } from "./service-ports.ts";
import { NAMESPACES, SERVICES } from "./testing/resources.ts";
import { ManualLeadership } from "./testing/store-under-test.ts";

const { FENCELINE_KUBECONFIG: kubeconfig } = process.env;
const skip = kubeconfig === undefined ? "FENCELINE_KUBECONFIG names no kubeconfig of an API server to test against" : false;
const NAME = "global-sidecar";
const CHART_PORT = { name: "http-80", protocol: "TCP", port: 80, targetPort: 18_080 } as const;
const RBAC = "rbac.authorization.k8s.io/v1";
const ACCOUNTS: Resource = { apiVersion: "v1", kind: "ServiceAccount", plural: "serviceaccounts", namespaced: true };
const ROLES: Resource = { apiVersion: RBAC, kind: "Role", plural: "roles", namespaced: true };
const BINDINGS: Resource = { apiVersion: RBAC, kind: "RoleBinding", plural: "rolebindings", namespaced: true };

function http(port: number): ServicePort {
  return { name: `http-${port}`, protocol: "TCP", port, targetPort: 18_080 };
}

/** A namespace with the chart's Service, as Helm 3 makes it. */
async function chartInstalled(t: TestContext) {
  const load = await kubeConfigLoader(kubeconfig);
  const api = new KubernetesApi(load);
  const namespace = `fenceline-test-${randomUUID().slice(0, 8)}`;
  const post = (path: string, body: object) => api.json({ method: "POST", path, body, query: { fieldManager: "helm" } });
  await post(collectionPath(NAMESPACES), { metadata: { name: namespace } });
  t.after(async () => {
    await api.json({ method: "DELETE", path: objectPath(NAMESPACES, { name: namespace }) });
    api.close();
  });
  await post(collectionPath(SERVICES, namespace), { metadata: { name: NAME }, spec: { selector: { app: NAME }, ports: [CHART_PORT] } });
  const key = { namespace, name: NAME };
  const service = async () => (await api.json({ method: "GET", path: objectPath(SERVICES, key) })) as { spec: { ports: ServicePort[] } };
  const ports = async () => (await service()).spec.ports;
  const add = (...wanted: readonly ServicePort[]) => addAs(api, ...wanted);
  const addAs = (as: KubernetesApi, ...wanted: readonly ServicePort[]) => {
    const writes = new LeaderWrites({ api: as, clock: monotonicClock, leadership: new ManualLeadership() });
    return new AppliedServicePorts(writes, { absorb: () => {} }).add(key, wanted);
  };
  const patch = (body: object, contentType: string, query = {}) =>
    api.json({ method: "PATCH", path: objectPath(SERVICES, key), body, contentType, query: { fieldManager: "helm", ...query } });
  return { load, api, namespace, post, ports, add, addAs, patch };
}

test("real: ports are added one after the other, and those of before stay", { skip }, async (t) => {
  const { ports, add } = await chartInstalled(t);
  assert.equal(await add(http(8_080)), true);
  assert.equal(await add(http(9_090), http(7_070)), true);
  assert.deepEqual(await ports(), [CHART_PORT, http(8_080), http(9_090), http(7_070)]);
  assert.equal(await add(http(8_080), http(80)), false);
});

test("real: a helm upgrade keeps them, be it a strategic merge (Helm 3) or an apply (Helm 4), and may add one that is ours", {
  skip,
}, async (t) => {
  const { namespace, ports, add, patch } = await chartInstalled(t);
  await add(http(8_080), http(9_090));
  await patch({ spec: { ports: [{ ...CHART_PORT }, http(9_090)] } }, "application/strategic-merge-patch+json");
  assert.deepEqual(new Set(await ports()), new Set([CHART_PORT, http(8_080), http(9_090)]));
  const metadata = { namespace, name: NAME };
  const applied = { apiVersion: "v1", kind: "Service", metadata, spec: { selector: { app: NAME }, ports: [CHART_PORT] } };
  await patch(applied, "application/apply-patch+yaml", { fieldManager: "helm-4" });
  await add(http(7_070));
  assert.deepEqual(new Set(await ports()), new Set([CHART_PORT, http(8_080), http(9_090), http(7_070)]));
});

test("real: two leaders at once lose nothing: the slower one reads again", { skip }, async (t) => {
  const { ports, add } = await chartInstalled(t);
  const numbers = Array.from({ length: 4 }, (_, index) => 9_000 + index);
  await Promise.all(numbers.map((port) => add(http(port))));
  assert.deepEqual((await ports()).map(({ port }) => port).sort(), [80, ...numbers].sort());
});

test("real: the rights to read Services and to patch this one are enough", { skip }, async (t) => {
  const { load, namespace, post, ports, addAs } = await chartInstalled(t);
  await post(collectionPath(ACCOUNTS, namespace), { metadata: { name: "collector" } });
  const token = (await post(`${objectPath(ACCOUNTS, { namespace, name: "collector" })}/token`, { spec: {} })) as {
    status: { token: string };
  };
  const config = new KubeConfig();
  config.loadFromClusterAndUser(load().getCurrentCluster() ?? assert.fail(), { name: "collector", token: token.status.token });
  const collector = new KubernetesApi(() => config);
  t.after(() => collector.close());
  const allow = async (name: string, rule: object) => {
    await post(collectionPath(ROLES, namespace), { metadata: { name }, rules: [{ apiGroups: [""], resources: ["services"], ...rule }] });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name };
    await post(collectionPath(BINDINGS, namespace), {
      metadata: { name },
      roleRef,
      subjects: [{ kind: "ServiceAccount", name: "collector" }],
    });
  };
  await allow("reads", { verbs: ["get", "list", "watch"] });
  await assert.rejects(addAs(collector, http(8_080)), /KUBERNETES_FORBIDDEN/);
  await allow("patches", { verbs: ["patch"], resourceNames: [NAME] });
  // A right counts from when the API server's own informers have it.
  for (;;) {
    const added = await addAs(collector, http(8_080)).catch((error: { code?: string }) => error.code);
    if (added === true) break;
    assert.equal(added, "KUBERNETES_FORBIDDEN");
  }
  assert.deepEqual(await ports(), [CHART_PORT, http(8_080)]);
});
