/**
 * A kind that lives in tests only, in both stores: what it needs beside its line is written here.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  type FencelineError,
  fenceRef,
  type ObjectRef,
  OWN_KINDS,
  type OwnKind,
  RENDERED_KINDS,
  type RenderedObject,
  SERVICE_FENCE,
  SIDECAR,
} from "@fenceline/api";
import { PIPE, renderPipe, renderValve, until, VALVE, type Valve } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { DirectoryStore } from "./directory/directory-store.ts";
import { KubernetesStore } from "./kubernetes/kubernetes-store.ts";
import { CONFIG_MAPS, fence, ManualLeadership, MESH_CONFIG_MAP, SERVICE_FENCES, SIDECARS } from "./kubernetes/testing/index.ts";
import { openStoreOn } from "./kubernetes/testing/store-under-test.ts";
import type { MeshChanges, Store } from "./store.ts";

const KINDS: readonly OwnKind[] = [...OWN_KINDS, VALVE];
const A: ObjectRef = { kind: VALVE.name, namespace: "test1", name: "a" };
const SPEC = { app: "web", hosts: ["b.test1.svc.cluster.local"] };
const manifest = (spec: object = SPEC) =>
  JSON.stringify({ apiVersion: "test.fenceline.io/v1", kind: "Valve", metadata: { name: "a", namespace: "test1" }, spec });
const FENCE = JSON.stringify({
  apiVersion: "microservice.slime.io/v1alpha1",
  kind: "ServiceFence",
  metadata: { name: "a", namespace: "test1" },
});

/** What a controller would write for the only valve that there is. */
async function apply(store: Store): Promise<RenderedObject> {
  const [valve] = store.snapshot().of(VALVE);
  assert.ok(valve !== undefined);
  const object = renderValve(valve);
  assert.equal(await store.apply({ action: "create", owner: A, object }), undefined);
  return object;
}

const shown = (store: Store) =>
  store
    .snapshot()
    .of(VALVE)
    .map(({ metadata, status }: Valve) => [metadata.name, status.shown]);

async function openFolder(t: TestContext, folder: string) {
  const refused: FencelineError[] = [];
  const told: MeshChanges[] = [];
  const store = await DirectoryStore.open({ folder, kinds: KINDS, onRefused: (error) => refused.push(error) });
  t.after(() => store.close());
  store.onChange((changes) => void told.push(changes));
  return { store, refused, told };
}

test("issue 14: a folder keeps objects of a second kind, its status and what is rendered for it, beside a fence of the same name", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-valve-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "valve.json"), manifest());
  writeFileSync(join(folder, "fence.json"), FENCE);
  const { store, refused, told } = await openFolder(t, folder);
  assert.deepEqual(shown(store), [["a", undefined]]);
  assert.equal(store.snapshot().of(SERVICE_FENCE).length, 1);
  assert.deepEqual([store.objectOf(VALVE, A)?.metadata.name, store.objectOf(VALVE, { ...A, name: "b" })], ["a", undefined]);

  const object = await apply(store);
  assert.equal(await store.writeStatus(A, { shown: 1 }), undefined);
  assert.deepEqual(shown(store), [["a", 1]]);
  assert.deepEqual([store.ownedBy(A), store.ownedBy(fenceRef({ namespace: "test1", name: "a" }))], [[object], []]);
  assert.deepEqual([store.goneOwners(VALVE), store.goneOwners(SERVICE_FENCE)], [[], []]);
  assert.match(readFileSync(join(folder, "state/test1/Valve-a.yaml"), "utf8"), /shown: 1/);

  const before = told.length;
  writeFileSync(join(folder, "valve.json"), manifest({ ...SPEC, most: 7 }));
  await until(() => told.length > before);
  assert.deepEqual(
    told
      .at(-1)
      ?.of(VALVE)
      .map(({ after }) => [after?.kind, after?.status]),
    [["Valve", { shown: 1 }]],
  );
  writeFileSync(join(folder, "valve.json"), manifest({ app: "web" }));
  await until(() => refused.length > 0);
  assert.match(refused[0]?.message ?? "", /spec\.hosts/);

  writeFileSync(join(folder, "valve.json"), manifest());
  const { store: again } = await openFolder(t, folder);
  assert.deepEqual([shown(again), again.ownedBy(A)], [[["a", 1]], [object]]);
  rmSync(join(folder, "valve.json"));
  await until(() => again.goneOwners(VALVE).length > 0);
  assert.deepEqual([again.goneOwners(VALVE), again.goneOwners(SERVICE_FENCE)], [[A], []]);
});

const [VALVES] = resourcesOf(VALVE);

test("issue 14: a cluster's store reads, owns and writes objects of a second kind, beside a fence of the same name", async (t) => {
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  server.put(SERVICE_FENCES[0], fence({}, { namespace: "test1", name: "a" }));
  const put = (spec: object) => server.put(VALVES, { ...JSON.parse(manifest(spec)), ...server.get(VALVES, A), spec });
  put(SPEC);
  const { store, told, settled, troubles, leadership } = await openStoreOn(t, server, { kinds: KINDS });
  assert.deepEqual([shown(store), store.snapshot().of(SERVICE_FENCE).length], [[["a", undefined]], 1]);

  await apply(store);
  assert.notEqual(server.get(SIDECARS, { namespace: "test1", name: "valve-a" }), undefined);
  assert.equal(store.ownedBy(A).length, 1);
  assert.equal(store.ownedBy(fenceRef({ namespace: "test1", name: "a" })).length, 0);
  assert.deepEqual([store.goneOwners(VALVE), store.goneOwners(SERVICE_FENCE)], [[], []]);
  assert.deepEqual(store.foreign(SIDECAR, "test1"), [], "a valve's Sidecar is none of somebody else's");
  assert.deepEqual(store.snapshot().defaultSidecars, []);

  assert.equal(await store.writeStatus(A, { shown: 1 }), undefined);
  assert.partialDeepStrictEqual(server.get(VALVES, A), { status: { shown: 1 } });
  assert.deepEqual(shown(store), [["a", 1]]);
  const patches = server.count("PATCH", VALVES);
  await store.writeStatus(A, { shown: 1 });
  leadership.leads = false;
  await store.writeStatus(A, { shown: 2 });
  assert.equal(server.count("PATCH", VALVES), patches, "nothing to write, and nobody but the leader writes");

  put({ ...SPEC, most: 7 });
  await settled(() => told.some((changes) => changes.of(VALVE).some(({ after }) => after?.spec.most === 7)));
  put({ app: "web" });
  await settled(() => troubles.some(({ code }) => code === "VALVE_INVALID"));
  server.remove(VALVES, A);
  await settled(() => store.snapshot().of(VALVE).length === 0);
  assert.deepEqual([store.goneOwners(VALVE), store.goneOwners(SERVICE_FENCE)], [[A], []]);
  assert.ok(told.some((changes) => changes.of(VALVE).some(({ before, after }) => before?.kind === "Valve" && after === undefined)));
});

const RENDERED = [...RENDERED_KINDS, PIPE];
const [PIPES] = resourcesOf(PIPE);

/**
 * The object that is rendered for the only valve that there is, of a kind that is a line in a
 * table.
 */
function pipeOf(store: Store): RenderedObject {
  return renderPipe(store.objectOf(VALVE, A) ?? assert.fail());
}

async function keepsPipes(store: Store): Promise<void> {
  const pipe = pipeOf(store);
  const sidecar = await apply(store);
  assert.equal(await store.apply({ action: "create", owner: A, object: pipe }), undefined);
  assert.deepEqual(store.ownedBy(A), [sidecar, pipe]);
}

async function openCluster(t: TestContext, prepare: (server: FakeApiServer) => void = () => {}) {
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  server.put(VALVES, JSON.parse(manifest()));
  prepare(server);
  const store = await KubernetesStore.open({
    ...{ api: server.api(t), leadership: new ManualLeadership(), onTrouble: () => {}, meshConfigMaps: [MESH_CONFIG_MAP] },
    kinds: KINDS,
    rendered: RENDERED,
  });
  t.after(() => store.close());
  return { server, store };
}

test("issue 14: a third kind to render is a line in the table: a folder keeps its objects, and reads them at the next start", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-pipe-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "valve.json"), manifest());
  const open = () => DirectoryStore.open({ folder, kinds: KINDS, rendered: RENDERED, onRefused: assert.fail });
  const store = await open();
  t.after(() => store.close());
  await keepsPipes(store);
  const again = await open();
  t.after(() => again.close());
  assert.deepEqual(again.ownedBy(A), store.ownedBy(A));
});

test("issue 14: a third kind to render is a line in the table: a cluster's store writes, watches and takes back its objects", async (t) => {
  const { server, store } = await openCluster(t);
  await keepsPipes(store);
  const key = { namespace: "test1", name: "valve-a" };
  assert.partialDeepStrictEqual(server.get(PIPES, key), { spec: { parts: [{ size: 1 }] } });
  const object = { kind: pipeOf(store).kind, ...key };
  assert.equal(await store.apply({ action: "delete", owner: A, object }), undefined);
  assert.deepEqual([server.get(PIPES, key), store.ownedBy(A).length], [undefined, 1]);
});

test("issue 14: where a third kind to render is not installed, the obstacle says what to install", async (t) => {
  const { store } = await openCluster(t, (server) => void server.uninstall(PIPES));
  const obstacle = await store.apply({ action: "create", owner: A, object: pipeOf(store) });
  assert.deepEqual([obstacle?.kind, obstacle?.reason], ["Pipe", "KindMissing"]);
  assert.match(obstacle?.message ?? "", /no kind Pipe: install the plumbing$/);
});
