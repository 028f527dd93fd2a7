import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { CONFIG_MAPS } from "./testing/resources.ts";
import { MESH_CONFIG_MAP, openStore, openStoreOn } from "./testing/store-under-test.ts";

const configMap = (mesh: string | undefined, metadata: object = MESH_CONFIG_MAP) => ({
  metadata,
  ...(mesh !== undefined && { data: { mesh } }),
});
const CLOSED = "outboundTrafficPolicy: {mode: REGISTRY_ONLY}";

const CASES: readonly (readonly [what: string, mesh: string | undefined, outbound: string | undefined, code?: string])[] = [
  ["REGISTRY_ONLY", CLOSED, "REGISTRY_ONLY"],
  ["ALLOW_ANY", "outboundTrafficPolicy:\n  mode: ALLOW_ANY\n", "ALLOW_ANY"],
  ["JSON, which is YAML", '{"trustDomain":"cluster.local","outboundTrafficPolicy":{"mode":"REGISTRY_ONLY"}}', "REGISTRY_ONLY"],
  ["the field's other spelling", "outbound_traffic_policy: {mode: REGISTRY_ONLY}", "REGISTRY_ONLY"],
  ["the enum's number", "outboundTrafficPolicy: {mode: 0}", "REGISTRY_ONLY"],
  ["no mode, which is the enum's zero", "outboundTrafficPolicy: {}", "REGISTRY_ONLY"],
  ["a key that stands twice", `trustDomain: a\ntrustDomain: b\n${CLOSED}`, "REGISTRY_ONLY"],
  ["no policy", "trustDomain: cluster.local", "ALLOW_ANY"],
  ["null for a policy", "outboundTrafficPolicy:", "ALLOW_ANY"],
  ["nothing", "", "ALLOW_ANY"],
  ["no key `mesh`", undefined, "ALLOW_ANY"],
  ["YAML that is none", `${CLOSED}\n  : [`, undefined, "MESH_CONFIG_INVALID"],
  ["a list", "- outboundTrafficPolicy", undefined, "MESH_CONFIG_INVALID"],
  ["a policy that is a text", "outboundTrafficPolicy: REGISTRY_ONLY", undefined, "MESH_CONFIG_INVALID"],
  ["a mode that Istio does not know", "outboundTrafficPolicy: {mode: registry_only}", undefined, "MESH_CONFIG_INVALID"],
  ["aliases without end", `a: &a [x,x,x,x,x,x,x,x,x]\n${bomb()}${CLOSED}`, undefined, "MESH_CONFIG_INVALID"],
];

for (const [what, mesh, outbound, code] of CASES) {
  test(`T-05 MeshConfig with ${what} is ${outbound ?? "not believed, told once, and holds up nothing"}`, async (t) => {
    const { store, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, configMap(mesh)));
    assert.equal(store.snapshot().meshConfigs?.[0]?.outbound, outbound);
    assert.deepEqual(
      troubles.map((trouble) => trouble.code),
      code === undefined ? [] : [code],
    );
  });
}

for (const [mesh, root] of [
  ["rootNamespace: istio-config", "istio-config"],
  ["root_namespace: istio-config", "istio-config"],
  ["rootNamespace: ''", undefined],
  ["rootNamespace:", undefined],
  ["trustDomain: a", undefined],
  ["rootNamespace: 7", "MESH_CONFIG_INVALID"],
  ["rootNamespace: [istio-config]", "MESH_CONFIG_INVALID"],
] as const) {
  test(`T-07 the root namespace of MeshConfig '${mesh}' is ${root ?? "Istio's default"}`, async (t) => {
    const { store, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, configMap(mesh)));
    assert.equal(troubles[0]?.code ?? store.snapshot().meshConfigs?.[0]?.rootNamespace, root);
  });
}

for (const [mesh, selectors] of [
  ["discoverySelectors: [{matchLabels: {env: prod}}]", [{ matchLabels: { env: "prod" } }]],
  [
    "discovery_selectors: [{matchExpressions: [{key: env, operator: Exists}]}]",
    [{ matchExpressions: [{ key: "env", operator: "Exists" }] }],
  ],
  ["discoverySelectors: []", undefined],
  ["discoverySelectors:", undefined],
  ["discoverySelectors: [{matchLabels: prod}]", "MESH_CONFIG_INVALID"],
  ["discoverySelectors: [{matchExpressions: [{key: env, operator: Is}]}]", "MESH_CONFIG_INVALID"],
] as const) {
  test(`the discovery selectors of MeshConfig '${mesh}' are ${JSON.stringify(selectors)}`, async (t) => {
    const { store, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, configMap(mesh)));
    assert.deepEqual(troubles[0]?.code ?? store.snapshot().meshConfigs?.[0]?.discoverySelectors, selectors);
  });
}

test("T-05 of ConfigMaps only the one with MeshConfig is asked for, by its name, which a right with resourceNames allows", async (t) => {
  const { server, store, settled } = await openStore(t, (fake) => {
    fake.put(CONFIG_MAPS, configMap(CLOSED, { ...MESH_CONFIG_MAP, name: "istio-canary" }));
    fake.put(CONFIG_MAPS, configMap(CLOSED, { namespace: "shop", name: MESH_CONFIG_MAP.name }));
    fake.put(CONFIG_MAPS, configMap("outboundTrafficPolicy: {mode: ALLOW_ANY}"));
  });
  await settled(() => server.openWatches(CONFIG_MAPS) === 1);
  const asked = server.requests.filter(({ path }) => path.includes("configmaps"));
  for (const { path, query } of asked) {
    assert.equal(path, "/api/v1/namespaces/istio-system/configmaps");
    assert.equal(query.get("fieldSelector"), "metadata.name=istio");
  }
  assert.equal(store.snapshot().meshConfigs?.[0]?.outbound, "ALLOW_ANY");
  assert.equal(store.health().find(({ kind }) => kind === "ConfigMap")?.objects, 1);
});

test("T-05 changes of MeshConfig make a snapshot where they matter; one that cannot be read leaves what was read last", async (t) => {
  const { server, store, settled, snapshots, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, configMap("trustDomain: a")));
  await settled(() => server.openWatches(CONFIG_MAPS) === 1);
  server.put(CONFIG_MAPS, configMap("trustDomain: b"));
  server.put(CONFIG_MAPS, configMap(CLOSED));
  await settled(() => snapshots() === 1);
  assert.equal(store.snapshot().meshConfigs?.[0]?.outbound, "REGISTRY_ONLY");
  server.put(CONFIG_MAPS, configMap("["));
  await settled(() => troubles.length === 1);
  assert.equal(store.snapshot().meshConfigs?.[0]?.outbound, "REGISTRY_ONLY");
  server.remove(CONFIG_MAPS, MESH_CONFIG_MAP);
  await settled(() => snapshots() === 2);
  assert.equal(store.snapshot().meshConfigs?.[0]?.outbound, undefined);
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["MESH_CONFIG_INVALID", "MESH_CONFIG_MISSING"],
  );
});

test("T-05 without the ConfigMap, or the right to it, the store opens, says so once, and takes it when it comes", async (t) => {
  const { server, store, troubles, settled } = await openStore(t, (fake) => fake.remove(CONFIG_MAPS, MESH_CONFIG_MAP));
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ["MESH_CONFIG_MISSING"],
  );
  server.put(CONFIG_MAPS, configMap(CLOSED));
  await settled(() => store.snapshot().meshConfigs?.[0]?.outbound === "REGISTRY_ONLY");

  const allow = server.forbid(CONFIG_MAPS, "GET");
  const other = await openStoreOn(t, server);
  assert.deepEqual(
    other.troubles.map(({ code }) => code),
    ["KUBERNETES_FORBIDDEN"],
  );
  const { state, reason } = other.store.health().find(({ kind }) => kind === "ConfigMap") ?? {};
  assert.equal(state, "unavailable");
  assert.match(reason ?? "", /configmaps is forbidden/);
  assert.equal(other.store.snapshot().meshConfigs?.[0]?.outbound, undefined);
  allow();
  other.clock.advance(300_000);
  await other.settled(() => other.store.snapshot().meshConfigs?.[0]?.outbound === "REGISTRY_ONLY");
});

test("T-05 of several MeshConfigs each is watched by its name, one that is missing or faulty is named once, and the others count", async (t) => {
  const [stable, canary, shared] = ["istio", "istio-canary", "istio-user"].map((name) => ({ ...MESH_CONFIG_MAP, name }));
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, configMap("outboundTrafficPolicy: {mode: ALLOW_ANY}", stable));
  server.put(CONFIG_MAPS, configMap("[", shared));
  server.put(CONFIG_MAPS, configMap(CLOSED, { ...MESH_CONFIG_MAP, name: "istio-other" }));
  const { store, troubles, settled } = await openStoreOn(t, server, {
    meshConfigMaps: [stable, canary, shared] as (typeof MESH_CONFIG_MAP)[],
  });
  const told = () => store.snapshot().meshConfigs?.map(({ outbound, rootNamespace }) => `${outbound} ${rootNamespace}`);
  const named = () => troubles.map(({ code, at }) => `${code} ${at?.object}`);
  assert.deepEqual(told(), ["ALLOW_ANY undefined"]);
  assert.deepEqual(named().sort(), [
    "MESH_CONFIG_INVALID ConfigMap istio-system/istio-user",
    "MESH_CONFIG_MISSING ConfigMap istio-system/istio-canary",
  ]);
  await settled(() => server.openWatches(CONFIG_MAPS) === 3);
  server.put(CONFIG_MAPS, configMap(`${CLOSED}\nrootNamespace: canary-root`, canary));
  await settled(() => told()?.length === 2);
  assert.deepEqual(told(), ["ALLOW_ANY undefined", "REGISTRY_ONLY canary-root"]);
  server.remove(CONFIG_MAPS, stable as typeof MESH_CONFIG_MAP);
  await settled(() => told()?.length === 1);
  assert.deepEqual(told(), ["REGISTRY_ONLY canary-root"]);
  assert.equal(named().at(-1), "MESH_CONFIG_MISSING ConfigMap istio-system/istio");
  assert.equal(troubles.length, 3);
  const asked = server.requests.filter(({ path }) => path.includes("configmaps"));
  assert.deepEqual(
    new Set(asked.map(({ path, query }) => `${path} ${query.get("fieldSelector")}`)),
    new Set([stable, canary, shared].map((key) => `/api/v1/namespaces/istio-system/configmaps metadata.name=${key?.name}`)),
  );
});

function bomb(): string {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
  const line = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(`*${of}`).join(",")}]\n`;
  return names
    .slice(1)
    .map((name, at) => line(name, names[at] ?? "a"))
    .join("");
}

test("issue 16: who sees ServiceEntries and VirtualServices without exportTo is read from MeshConfig, in either spelling", async (t) => {
  const mesh = 'defaultServiceExportTo: [".", shop]\ndefault_virtual_service_export_to: ["~"]\n';
  const { store, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, configMap(mesh)));
  const [config] = store.snapshot().meshConfigs ?? [];
  assert.deepEqual([config?.serviceExportTo, config?.virtualServiceExportTo, troubles], [[".", "shop"], ["~"], []]);
});

test("issue 16: a default of exportTo that is no list is not believed", async (t) => {
  const { store, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, configMap("defaultServiceExportTo: everybody")));
  assert.deepEqual([store.snapshot().meshConfigs?.length, troubles.map(({ code }) => code)], [0, ["MESH_CONFIG_INVALID"]]);
});
