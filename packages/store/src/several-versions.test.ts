/**
 * A kind that lives in tests only, of two groups, one with two versions, and of several spellings,
 * in both stores.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FencelineError, MANAGED_BY_LABEL, MANAGER, OWN_KINDS, type OwnKind } from "@fenceline/api";
import { PUMP, type Pump, until } from "@fenceline/api/testing";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { DirectoryStore } from "./directory/directory-store.ts";
import { KubernetesStore } from "./kubernetes/kubernetes-store.ts";
import { CONFIG_MAPS, ManualLeadership, MESH_CONFIG_MAP, SIDECARS } from "./kubernetes/testing/index.ts";
import type { Store } from "./store.ts";

const KINDS: readonly OwnKind[] = [...OWN_KINDS, PUMP];
const [STORED, OLD_GROUP] = resourcesOf(PUMP) as [Resource, Resource];
const SERVED: Resource = { ...STORED, apiVersion: "test.fenceline.io/v1beta1" };
const CAMEL = {
  pressure: 7,
  workloadLabels: { app: "a" },
  stages: [{ name: "x", fillInterval: { seconds: 60 }, listenerType: "Gateway" }],
};
const SNAKE = { bar: 7, workload_labels: { app: "a" }, stages: [{ name: "x", fill_interval: { seconds: "60" }, listener_type: 2 }] };
const pump = (name: string, spec: object, apiVersion = STORED.apiVersion) => ({
  ...{ apiVersion, kind: "Pump", metadata: { name, namespace: "test1", generation: 3 }, spec },
});
const STATUS = {
  observedGeneration: 3,
  running: 1,
  conditions: [{ type: "Accepted", status: "True", reason: "Valid", message: "", lastTransitionTime: "2026-11-28T10:00:00.000Z" }],
};

/** What is read of each pump: its name and its spec, which is to be the same for all. */
function specsOf(store: Store): Readonly<Record<string, Pump["spec"]>> {
  const pumps = store.snapshot().of(PUMP);
  return Object.fromEntries(pumps.map(({ metadata, spec }) => [metadata.name, spec]));
}

function assertAlike(specs: Readonly<Record<string, Pump["spec"]>>, ...names: readonly string[]): void {
  assert.deepEqual(Object.keys(specs).sort(), names);
  for (const name of names)
    assert.partialDeepStrictEqual(specs[name], {
      pressure: 7,
      stages: [{ fillInterval: { seconds: 60 }, listenerType: "Gateway", quota: "1" }],
    });
  for (const name of names) assert.deepEqual(specs[name], specs[names[0] ?? ""]);
}

test("issue 14: a folder reads every version, group and spelling of a kind as one form, and keeps its status", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-pump-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const objects = [pump("a", CAMEL), pump("b", SNAKE), pump("c", SNAKE, SERVED.apiVersion), pump("d", CAMEL, OLD_GROUP.apiVersion)];
  writeFileSync(join(folder, "pumps.json"), objects.map((object) => JSON.stringify(object)).join("\n"));
  const refused: FencelineError[] = [];
  const open = () => DirectoryStore.open({ folder, kinds: KINDS, onRefused: (error) => refused.push(error) });
  const store = await open();
  t.after(() => store.close());
  assertAlike(specsOf(store), "a", "b", "c", "d");
  assert.equal(await store.writeStatus({ kind: "Pump", namespace: "test1", name: "c" }, STATUS), undefined);
  const again = await open();
  t.after(() => again.close());
  const c = again.objectOf(PUMP, { namespace: "test1", name: "c" });
  assert.deepEqual([c?.status, c?.metadata.generation], [STATUS, 3]);

  writeFileSync(join(folder, "pumps.json"), JSON.stringify(pump("a", { ...SNAKE, stages: [{ name: "x", fill_interval: 5 }] })));
  await until(() => refused.length > 0);
  assert.match(refused[0]?.message ?? "", /spec\.stages\[0\]\.fill_interval: expected a map, found 5/);
});

async function openOn(t: TestContext, prepare: (server: FakeApiServer) => void) {
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  prepare(server);
  const troubles: FencelineError[] = [];
  const store = await KubernetesStore.open({
    ...{ api: server.api(t), leadership: new ManualLeadership(), meshConfigMaps: [MESH_CONFIG_MAP], kinds: KINDS },
    onTrouble: (error) => troubles.push(error),
  });
  t.after(() => store.close());
  await until(() => store.health().every(({ state }) => state === "watching"));
  return { server, store, troubles };
}

test("issue 14: a cluster's store watches a group once, whatever its versions, and reads every spelling as one form", async (t) => {
  const { server, store, troubles } = await openOn(t, (fake) => {
    // The API server gives what was applied as v1beta1 as v1, with the fields as they were.
    fake.put(STORED, pump("a", CAMEL));
    fake.put(STORED, pump("b", SNAKE));
    fake.put(OLD_GROUP, pump("c", SNAKE, OLD_GROUP.apiVersion));
  });
  assertAlike(specsOf(store), "a", "b", "c");
  assert.deepEqual(
    [STORED, SERVED, OLD_GROUP].map((resource) => server.openWatches(resource)),
    [1, 0, 1],
  );
  assert.equal(await store.writeStatus({ kind: "Pump", namespace: "test1", name: "b" }, STATUS), undefined);
  assert.partialDeepStrictEqual(server.get(STORED, { namespace: "test1", name: "b" }), { status: STATUS, spec: SNAKE });
  assert.equal(store.objectOf(PUMP, { namespace: "test1", name: "b" })?.metadata.generation, 3);
  server.put(STORED, { ...server.get(STORED, { namespace: "test1", name: "a" }), spec: { ...SNAKE, bar: "much" } });
  await until(() => troubles.length > 0);
  assert.match(troubles[0]?.message ?? "", /^PUMP_INVALID: Pump test1\/a spec\.bar: expected a number, found "much"/);
});

test("issue 14: where the installed definition has an older version only, objects are read and statuses written by that", async (t) => {
  const { server, store, troubles } = await openOn(t, (fake) => {
    fake.uninstall(STORED);
    fake.put(SERVED, pump("a", SNAKE, SERVED.apiVersion));
    fake.put(OLD_GROUP, pump("b", CAMEL, OLD_GROUP.apiVersion));
  });
  assertAlike(specsOf(store), "a", "b");
  await until(() => troubles.length > 0);
  server.endWatches(SERVED);
  server.put(SERVED, pump("later", SNAKE, SERVED.apiVersion));
  await until(() => store.objectOf(PUMP, { namespace: "test1", name: "later" }) !== undefined);
  assert.deepEqual(
    troubles.map(({ code, message }) => [code, message.includes(`${STORED.apiVersion}; it is read by ${SERVED.apiVersion}`)]),
    [["VERSION_NOT_SERVED", true]],
  );
  assert.equal(await store.writeStatus({ kind: "Pump", namespace: "test1", name: "a" }, STATUS), undefined);
  assert.partialDeepStrictEqual(server.get(SERVED, { namespace: "test1", name: "a" }), { status: STATUS });
});

test("issue 14: what was rendered for an object by an older version is its own, and is left over once the object is gone", async (t) => {
  const key = { namespace: "test1", name: "pump-a" };
  const owner = { apiVersion: SERVED.apiVersion, kind: "Pump", name: "a", uid: "1", controller: true, blockOwnerDeletion: true };
  const { server, store } = await openOn(t, (fake) => {
    fake.put(STORED, pump("a", CAMEL));
    fake.put(SIDECARS, { metadata: { ...key, labels: { [MANAGED_BY_LABEL]: MANAGER }, ownerReferences: [owner] }, spec: { egress: [] } });
  });
  const of = { kind: "Pump", namespace: "test1", name: "a" };
  assert.deepEqual([store.ownedBy(of).length, store.goneOwners(PUMP)], [1, []]);
  server.remove(STORED, of);
  await until(() => store.goneOwners(PUMP).length > 0);
  assert.deepEqual(store.goneOwners(PUMP), [of]);
});
