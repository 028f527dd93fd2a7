/**
 * A kind that is only read and lives in tests only, in both stores: it is its schema, what is kept
 * of it, and its line in the table.
 */
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MESH_KINDS, type MeshKind, SERVICE } from "@fenceline/api";
import { until, WELL } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { DirectoryStore } from "./directory/directory-store.ts";
import { CONFIG_MAPS, MESH_CONFIG_MAP, SERVICES } from "./kubernetes/testing/index.ts";
import { openStoreOn } from "./kubernetes/testing/store-under-test.ts";
import type { MeshChanges, MeshSnapshot } from "./store.ts";

const MESH: readonly MeshKind[] = [...MESH_KINDS, WELL];
const [WELLS] = resourcesOf(WELL);
/** No version of it is served, until the returned function is called. */
function uninstall(server: FakeApiServer): () => void {
  const installs = WELL.apiVersions.map((apiVersion) => server.uninstall({ ...WELLS, apiVersion }));
  return () => {
    for (const install of installs) install();
  };
}
const A = { namespace: "test1", name: "a" };
const well = (depth: unknown, owner = "nobody", apiVersion = "test.fenceline.io/v1beta1") => ({
  ...{ apiVersion, kind: "Well" },
  metadata: { ...A, labels: { "written-by": owner }, annotations: { long: "x".repeat(100) } },
  spec: { depth, owner, rope: "long" },
});
const service = { metadata: { namespace: "test1", name: "web" }, spec: { ports: [{ port: 80 }] } };
const kept = (depth: number, apiVersion = "test.fenceline.io/v1beta1") => ({
  ...{ apiVersion, kind: "Well" },
  metadata: { ...A, labels: {} },
  spec: { depth },
});

const wells = (snapshot: MeshSnapshot) => snapshot.of(WELL);
/** `1 → 2` for each time that a well was told. */
const tellings = (told: readonly MeshChanges[]) =>
  told.flatMap(({ of }) => of(WELL).map(({ before, after }) => `${before?.spec.depth} → ${after?.spec.depth}`));

async function openCluster(t: TestContext, prepare: (server: FakeApiServer) => void) {
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  prepare(server);
  return { server, ...(await openStoreOn(t, server, { mesh: MESH })) };
}

test("issue 14: a cluster's store keeps of a kind that is only read what its line says, and tells each change once", async (t) => {
  const { server, store, told, settled, troubles } = await openCluster(t, (fake) => fake.put(WELLS, well(1)));
  assert.deepEqual(wells(store.snapshot()), [kept(1)]);
  // Both come on one watch, so whoever has the second has seen the first.
  server.put(WELLS, well(1, "somebody"));
  server.put(WELLS, { ...well(9), metadata: { ...A, name: "b" } });
  await settled(() => told.length === 1);
  assert.deepEqual(tellings(told), ["undefined → 9"], "what nobody keeps changes nothing");
  server.put(WELLS, well(2));
  await settled(() => told.length === 2);
  server.put(WELLS, well("deep"));
  await settled(() => troubles.length === 1);
  assert.deepEqual([troubles[0]?.code, wells(store.snapshot())[0]], ["WELL_INVALID", kept(2)]);
  server.remove(WELLS, A);
  await settled(() => told.length === 3);
  assert.deepEqual([tellings(told), wells(store.snapshot()).length], [["undefined → 9", "1 → 2", "2 → undefined"], 1]);
  assert.deepEqual([store.objectOf(WELL, A), store.objectOf(WELL, { ...A, name: "b" })?.spec.depth], [undefined, 9]);
});

test("issue 14: an optional kind that a cluster does not have holds up nothing; once it is installed its objects are told once", async (t) => {
  let install = () => {};
  const { server, store, told, settled, troubles, clock } = await openCluster(t, (fake) => {
    install = uninstall(fake);
    fake.put(SERVICES, service);
  });
  assert.deepEqual([wells(store.snapshot()), store.snapshot().of(SERVICE).length, troubles], [[], 1, []]);
  assert.equal(store.health().find(({ kind }) => kind === WELL.name)?.absent, true);
  install();
  server.put(WELLS, well(3));
  await settled(() => {
    clock.advance(10);
    return wells(store.snapshot()).length === 1;
  });
  await settled(() => told.length === 1);
  assert.deepEqual([tellings(told), wells(store.snapshot()), troubles], [["undefined → 3"], [kept(3)], []]);
});

test("issue 14: a right to read that is missing is told of an optional kind, and that it is not installed of one that is not", async (t) => {
  const forbidden = await openCluster(t, (fake) => fake.forbid(WELLS, "GET"));
  const codes = (troubles: typeof forbidden.troubles) => troubles.map(({ code }) => code);
  assert.deepEqual(codes(forbidden.troubles), ["KUBERNETES_FORBIDDEN"]);
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  uninstall(server);
  const needed = await openStoreOn(t, server, { mesh: [...MESH_KINDS, { ...WELL, isOptional: false }] });
  assert.deepEqual(codes(needed.troubles), ["KUBERNETES_NOT_FOUND"]);
});

async function openFolder(t: TestContext, mesh: readonly MeshKind[]) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-well-"));
  t.after(() => rmSync(folder, { recursive: true }));
  /** At once, so that no half of it is read. */
  const write = (object: object) => {
    writeFileSync(join(folder, ".new"), JSON.stringify(object));
    renameSync(join(folder, ".new"), join(folder, "well.json"));
  };
  write(well(1));
  writeFileSync(join(folder, "service.json"), JSON.stringify({ apiVersion: "v1", kind: "Service", ...service }));
  const [ignored, taken]: [string[], string[]] = [[], []];
  const store = await DirectoryStore.open({
    ...{ folder, mesh, onRefused: assert.fail, onTaken: (file) => void taken.push(file) },
    onIgnored: (file) => void ignored.push(file),
  });
  t.after(() => store.close());
  const told: MeshChanges[] = [];
  store.onChange((changes) => void told.push(changes));
  return { folder, store, told, write, ignored, taken };
}

test("issue 14: a folder holds objects of a kind that is only read, of any of its versions, and tells each change once", async (t) => {
  const { folder, store, told, write, ignored, taken } = await openFolder(t, MESH);
  assert.deepEqual([wells(store.snapshot()), store.snapshot().of(SERVICE).length, ignored], [[kept(1)], 1, []]);
  write(well(1, "somebody"));
  await until(() => taken.length === 1);
  assert.deepEqual(told, [], "what nobody keeps changes nothing");
  write(well(2, "somebody", "test.fenceline.io/v1"));
  await until(() => told.length === 1);
  assert.deepEqual(wells(store.snapshot()), [kept(2, "test.fenceline.io/v1")]);
  assert.deepEqual([store.objectOf(WELL, A)?.spec.depth, store.objectOf(WELL, { ...A, name: "b" })], [2, undefined]);
  rmSync(join(folder, "well.json"));
  await until(() => told.length === 2);
  assert.deepEqual([tellings(told), wells(store.snapshot())], [["1 → 2", "2 → undefined"], []]);
});

test("issue 14: a kind that is for clusters only is left alone in a folder, and named", async (t) => {
  const { store, ignored } = await openFolder(t, [...MESH_KINDS, { ...WELL, isInManifests: false }]);
  assert.deepEqual([wells(store.snapshot()), ignored], [[], ["well.json"]]);
});
