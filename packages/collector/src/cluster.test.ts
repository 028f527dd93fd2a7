import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, type FenceKey, SERVICE, SERVICE_FENCE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import {
  CONFIG_MAPS,
  ENVOY_FILTERS,
  FENCE,
  fence,
  MESH_CONFIG_MAP,
  SERVICE_FENCES,
  SERVICES,
  SIDECARS,
} from "@fenceline/store/kubernetes/testing";
import { startCluster, startReplica } from "./testing/cluster.ts";
import { CONFIG } from "./testing/mesh.ts";

const [FENCES, NETEASE_FENCES] = SERVICE_FENCES as [Resource, Resource];
const LATER = { namespace: "test1", name: "later" };

test("a fence that was there before its leader has its conditions as soon as somebody leads", async (t) => {
  const { leadership, collector, condition, server } = await startCluster(t, undefined, false);
  // A follower judges nothing.
  await collector.idle();
  assert.equal(condition("Ready"), undefined);
  leadership.leads = true;
  collector.lead();
  await collector.idle();
  assert.equal(condition("Ready"), "True Rendered");
  assert.equal(condition("Enforced"), "True SidecarRendered");
  assert.ok(server.get(SIDECARS, FENCE));
});

test("rows 20, 22: hosts of every fence and aliases are in its Sidecar, in no status, and not taken for learned ones by the next leader", async (t) => {
  const shared = "shared.infra.svc.cluster.local";
  const domainAliases = [
    { pattern: "(", templates: ["x.legacy"] },
    { pattern: "^([^.]+)\\.test1\\.", templates: ["$1.other.svc.cluster.local"] },
  ];
  const config = Config.parse({ ...CONFIG, stableHosts: [shared], domainAliases });
  const { server, collector, lines } = await startCluster(
    t,
    (fake) => {
      for (const [namespace, name] of [
        ["infra", "shared"],
        ["other", "b"],
      ] as const)
        fake.put(SERVICES, { metadata: { namespace, name }, spec: { clusterIP: "10.0.0.7", ports: [{ name: "http", port: 80 }] } });
      fake.put(FENCES, { ...fence(), spec: { enable: true, host: { "b.test1.svc.cluster.local": {} } } });
    },
    true,
    config,
  );
  const hosts = () => (server.get(SIDECARS, FENCE) as { spec?: { egress: { hosts: string[] }[] } } | undefined)?.spec?.egress.at(-1)?.hosts;
  await until(() => hosts()?.includes(`infra/${shared}`) === true);
  assert.ok(hosts()?.includes("other/b.other.svc.cluster.local"));
  const told = lines.filter(({ msg }) => msg === "alias rule left out");
  assert.deepEqual(
    told.map(({ rule, detail }) => [rule, String(detail)]),
    [["domainAliases[0].pattern", "not an expression of RE2: there is no ) to a group"]],
  );
  await collector.idle();
  const next = await startReplica(t, server, true, config);
  await next.collector.idle();
  const { domains = {} } = (server.get(FENCES, FENCE)?.status ?? {}) as { domains?: object };
  assert.deepEqual(Object.keys(domains), ["b.test1.svc.cluster.local"]);
});

test("E3-02 an EnvoyFilter of somebody else: the fence says so, hides nothing, logs once, and goes on when it is gone", async (t) => {
  const { server, collector, condition, message, warnings, metrics } = await startCluster(t, (fake) =>
    fake.put(ENVOY_FILTERS, { metadata: FENCE, spec: { mine: true } }),
  );
  collector.lead();
  await until(() => condition("Conflict") === "True ObjectNotOurs");
  assert.match(message("Conflict"), /^EnvoyFilter test1\/a .*: delete or rename it, or switch the fence off$/);
  assert.equal(condition("Ready"), "False Conflict");
  assert.equal(condition("Enforced"), "False Conflict");
  assert.equal(server.get(SIDECARS, FENCE), undefined);
  assert.match(await metrics(), /^fenceline_obstacles\{kind="EnvoyFilter",reason="Conflict"\} 1$/m);
  // It was tried again at least once, and still was news only once.
  const looks = () => server.requests.filter(({ method, path }) => method === "GET" && path.endsWith("/envoyfilters/a")).length;
  await until(() => looks() >= 2);
  assert.equal(warnings().length, 1);
  server.remove(ENVOY_FILTERS, FENCE);
  await until(() => condition("Enforced") === "True SidecarRendered");
  assert.equal(condition("Conflict"), "False NoOtherSidecar");
  assert.equal(condition("Ready"), "True Rendered");
  assert.doesNotMatch(await metrics(), /^fenceline_obstacles\{/m);
});

test("E3-08 a missing right to write Sidecars is the fence's condition, and what can be done is done", async (t) => {
  let grant = () => {};
  const { server, condition, message, warnings } = await startCluster(t, (fake) => {
    grant = fake.forbid(SIDECARS, "PATCH");
  });
  await until(() => condition("Ready") === "False WriteForbidden");
  assert.equal(condition("Enforced"), "False WriteForbidden");
  assert.equal(condition("Conflict"), "False NoOtherSidecar");
  assert.match(message("Ready"), /grant the collector the right to write Sidecars/);
  assert.ok(server.get(ENVOY_FILTERS, FENCE));
  assert.equal(warnings().length, 1);
  grant();
  await until(() => condition("Ready") === "True Rendered" && server.get(SIDECARS, FENCE) !== undefined);
});

test("E3-08 a Sidecar that may not be deleted is still said to be enforced, with the reason", async (t) => {
  const { server, condition } = await startCluster(t);
  await until(() => server.get(SIDECARS, FENCE) !== undefined);
  const grant = server.forbid(SIDECARS, "DELETE");
  server.put(FENCES, { ...server.get(FENCES, FENCE), spec: { enable: false } });
  await until(() => condition("Ready") === "False WriteForbidden" && condition("Enforced") === "True SidecarRemains");
  grant();
  await until(() => condition("Ready") === "True Rendered" && condition("Enforced") === "False ModeOff");
  assert.equal(server.get(SIDECARS, FENCE), undefined);
});

test("E3-08 a write that met an obstacle is left alone while the mesh changes elsewhere", async (t) => {
  const { server, store, condition } = await startCluster(t, (fake) => fake.forbid(ENVOY_FILTERS, "PATCH"));
  await until(() => condition("Ready") === "False WriteForbidden");
  const tries = () => server.requests.filter(({ method, path }) => method === "PATCH" && path.endsWith("/envoyfilters/a")).length;
  const began = performance.now();
  const before = tries();
  for (let index = 0; index < 40; index += 1) {
    server.put(SERVICES, { metadata: { name: `s${index}`, namespace: "shop" }, spec: { ports: [{ port: 80, name: "http" }] } });
    await until(() => store.snapshot().of(SERVICE).length === index + 2);
  }
  assert.ok(tries() - before <= 1 + (performance.now() - began) / 500);
  assert.equal(server.get(SIDECARS, FENCE), undefined);
});

test("E3-08 a CRD of Istio that is not installed is the fence's condition, and is noticed when it is", async (t) => {
  let install = () => {};
  const { server, condition, message } = await startCluster(t, (fake) => {
    install = fake.uninstall(SIDECARS);
  });
  await until(() => condition("Ready") === "False KindMissing");
  assert.match(message("Ready"), /no kind Sidecar: install the CRDs of Istio/);
  install();
  await until(() => condition("Ready") === "True Rendered" && server.get(SIDECARS, FENCE) !== undefined);
});

test("E3-08 where statuses may not be written, fences are rendered all the same", async (t) => {
  const { server, warnings, metrics } = await startCluster(t, (fake) => fake.forbid(FENCES, "PATCH"));
  await until(() => server.get(SIDECARS, FENCE) !== undefined);
  assert.deepEqual(
    warnings().map(({ kind, reason }) => [kind, reason]),
    [["ServiceFence", "WriteForbidden"]],
  );
  assert.match(await metrics(), /^fenceline_obstacles\{kind="ServiceFence",reason="WriteForbidden"\} 1$/m);
});

test("leadership that is lost in the middle of a plan is no error", async (t) => {
  const { server, collector, leadership, warnings, metrics } = await startCluster(t, undefined, false);
  leadership.leads = true;
  server.answer(
    ({ method, path }) => {
      const isFilter = method === "PATCH" && path.endsWith("/envoyfilters/a");
      if (isFilter) leadership.lose();
      return isFilter;
    },
    { status: 500, body: {} },
  );
  collector.lead();
  await until(() => !leadership.leads);
  await collector.idle();
  assert.deepEqual(warnings(), []);
  assert.doesNotMatch(await metrics(), /result="error"\} [1-9]/);
});

for (const [there, missing] of [
  [FENCES, NETEASE_FENCES],
  [NETEASE_FENCES, FENCES],
] as const) {
  test(`E3-08 where only ${there.apiVersion} is installed, its fences are rendered and have their conditions`, async (t) => {
    const { server, condition } = await startCluster(t, (fake) => {
      fake.remove(FENCES, FENCE);
      fake.uninstall(missing);
    });
    server.put(there, fence({}, LATER));
    await until(() => server.get(SIDECARS, LATER) !== undefined);
    await until(() => JSON.stringify(server.get(there, LATER)?.status ?? {}).includes('"reason":"Rendered"'));
    assert.equal(condition("Ready"), undefined);
  });
}

test("E3-08 fences of a CRD that is installed after the start are taken up", async (t) => {
  let install = () => {};
  const { condition } = await startCluster(t, (fake) => {
    install = fake.uninstall(FENCES);
  });
  assert.equal(condition("Ready"), undefined);
  const began = performance.now();
  install();
  await until(() => condition("Ready") === "True Rendered");
  assert.ok(performance.now() - began < 10_000);
});

test("T-07 the root namespace is the one that MeshConfig names, also when it comes to be another one while fences are there", async (t) => {
  const [one, other] = ["istio-config", "istio-other"].map((namespace) => ({ namespace, name: "a" })) as [FenceKey, FenceKey];
  const meshConfig = (rootNamespace: string) => ({ metadata: MESH_CONFIG_MAP, data: { mesh: `rootNamespace: ${rootNamespace}` } });
  const { server, collector } = await startCluster(t, (fake) => {
    fake.put(CONFIG_MAPS, meshConfig(one.namespace));
    for (const key of [one, other]) fake.put(FENCES, fence({}, key));
  });
  await collector.idle();
  assert.deepEqual([server.get(ENVOY_FILTERS, one), server.get(SIDECARS, one)], [undefined, undefined]);
  assert.ok(server.get(ENVOY_FILTERS, other), "what is not the root namespace is rendered");
  server.put(CONFIG_MAPS, meshConfig(other.namespace));
  await until(() => server.get(ENVOY_FILTERS, other) === undefined && server.get(SIDECARS, other) === undefined);
  await until(() => server.get(ENVOY_FILTERS, one) !== undefined);
});

test("T-07 every root namespace is reserved: the configuration's, and that of each MeshConfig, also where they disagree", async (t) => {
  const [configured, stable, canary, plain] = ["root-0", "root-1", "root-2", "shop"].map((namespace) => ({ namespace, name: "a" })) as [
    FenceKey,
    FenceKey,
    FenceKey,
    FenceKey,
  ];
  const canaryMap = { ...MESH_CONFIG_MAP, name: "istio-canary" };
  const prepare = (fake: FakeApiServer) => {
    fake.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP, data: { mesh: `rootNamespace: ${stable.namespace}` } });
    fake.put(CONFIG_MAPS, { metadata: canaryMap, data: { mesh: `rootNamespace: ${canary.namespace}` } });
    for (const key of [configured, stable, canary, plain]) fake.put(FENCES, fence({}, key));
  };
  const config = { ...CONFIG, rootNamespace: configured.namespace };
  const { server, collector } = await startCluster(t, prepare, true, config, [MESH_CONFIG_MAP, canaryMap]);
  await collector.idle();
  const rendered = [configured, stable, canary, plain].filter(
    (key) => server.get(ENVOY_FILTERS, key) !== undefined || server.get(SIDECARS, key) !== undefined,
  );
  assert.deepEqual(rendered, [plain]);
  server.remove(CONFIG_MAPS, canaryMap);
  await until(() => server.get(ENVOY_FILTERS, canary) !== undefined);
  assert.deepEqual([server.get(ENVOY_FILTERS, configured), server.get(ENVOY_FILTERS, stable)], [undefined, undefined]);
});

test("T-07 a fence in Istio's root namespace or in Fenceline's is refused with a condition and a line in the log; what was rendered for it goes", async (t) => {
  const places = ["istio-system", "mesh-operator"].map((namespace) => ({ namespace, name: "a" }));
  const { server, collector, lines, store } = await startCluster(t, (fake) => {
    for (const key of places) {
      const { uid } = fake.put(FENCES, fence({}, key)).metadata;
      const owner = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", name: "a", uid, controller: true };
      const metadata = { ...key, labels: { "app.kubernetes.io/managed-by": "fenceline" }, ownerReferences: [owner] };
      for (const kind of [ENVOY_FILTERS, SIDECARS])
        fake.put(kind, { metadata, spec: { workloadSelector: { labels: { app: "a" } }, configPatches: [], egress: [] } });
    }
  });
  for (const key of places) await until(() => server.get(ENVOY_FILTERS, key) === undefined && server.get(SIDECARS, key) === undefined);
  await collector.idle();
  for (const key of places) {
    const status = store
      .snapshot()
      .of(SERVICE_FENCE)
      .find(({ metadata }) => metadata.namespace === key.namespace)?.status;
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    assert.deepEqual([ready?.status, ready?.reason], ["False", "NamespaceReserved"]);
  }
  assert.equal(lines.filter(({ msg }) => msg === "not rendered").length, 2);
  assert.ok(server.get(SIDECARS, FENCE), "the fence of a workload is rendered");
});
