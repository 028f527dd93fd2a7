/** Issue 15 §4: a fence that is deleted ends by the same steps as one that is switched off. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { MANAGED_BY_LABEL, MANAGER, parkedHosts, type RenderedObject, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, FakeObject, RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import {
  CLUSTER_ROLES,
  ENVOY_FILTERS,
  FENCE,
  FENCE_UID,
  fence,
  NAMESPACES,
  OWNER,
  SERVICE_FENCES,
  SERVICES,
  SIDECARS,
} from "@fenceline/store/kubernetes/testing";
import { CLUSTER_ROLE, startCluster, startReplica } from "./testing/cluster.ts";
import { collectGarbage } from "./testing/garbage-collector.ts";
import { CONFIG } from "./testing/mesh.ts";
import { send } from "./testing/running-collector.ts";

const [FENCES, THEIRS] = SERVICE_FENCES as [Resource, Resource];
const RENDERED = [SIDECARS, ENVOY_FILTERS];
const B = "b.test1.svc.cluster.local";
const CALL = encodeAccessLogMessage({
  identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
  entries: [{ authority: B, upstreamCluster: `outbound|80||${B}`, responseCode: 200, requests: 1 }],
});
const SERVICE_B = {
  metadata: { namespace: "test1", name: "b" },
  spec: { clusterIP: "10.0.0.7", selector: { app: "b" }, ports: [{ name: "http", port: 80 }] },
};

const withPause = (pause: string) => ({
  ...CONFIG,
  switchOver: { shortestPause: pause, longestPause: pause, unobservedPause: pause },
});
const SHORT = withPause("50ms");
/** A step that is not over before the test is. */
const LONG = withPause("10m");

/** A fence in force that has learned a host, of a Fenceline that the chart has installed. */
async function enforced(t: TestContext, config = SHORT) {
  const cluster = await startCluster(
    t,
    (server) => {
      server.put(CLUSTER_ROLES, CLUSTER_ROLE);
      server.put(SERVICES, SERVICE_B);
    },
    true,
    SHORT,
  );
  const { server, collector, leadership } = cluster;
  await send(collector.accessLogPort, [CALL]);
  await until(() => sidecarOf(server)?.shown.includes(`test1/${B}`) === true && sidecarOf(server)?.parked.length === 0);
  await collector.idle();
  if (config === SHORT) return cluster;
  leadership.leads = false;
  // It would remember what is deleted.
  await collector.close();
  return { ...cluster, ...(await startReplica(t, server, true, config)) };
}

function sidecarOf(server: FakeApiServer) {
  const object = server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined;
  return object && { shown: sidecarHosts(object), parked: parkedHosts(object) };
}

function deleteFence(server: FakeApiServer): void {
  server.remove(FENCES, FENCE);
  collectGarbage(server, FENCE_UID);
}

function switchOff(server: FakeApiServer): void {
  server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), spec: { mode: "Off" } });
}

const left = (server: FakeApiServer) => RENDERED.flatMap((resource) => server.get(resource, FENCE) ?? []);
const ownersOf = (object: FakeObject | undefined) =>
  (object as unknown as RenderedObject | undefined)?.metadata.ownerReferences?.map(({ kind }) => kind);
const isGone = (server: FakeApiServer) => until(() => left(server).length === 0);

/** Writes of rendered objects from now on: `PATCH sidecars`. */
function writesSince(server: FakeApiServer): () => RecordedRequest[] {
  const isOurs = ({ method, path }: RecordedRequest) => method !== "GET" && /\/(sidecars|envoyfilters)\//.test(path);
  const before = server.requests.filter(isOurs).length;
  return () => server.requests.filter(isOurs).slice(before);
}

const told = (writes: readonly RecordedRequest[]) => writes.map(({ method, path }) => `${method} ${path.split("/").at(-2)}`);

for (const [when, collects] of [
  ["before", true],
  ["after", false],
] as const)
  test(`a fence that is deleted ends in steps, be its reference gone ${when} the first of them`, async (t) => {
    const { server } = await enforced(t);
    const writes = writesSince(server);
    server.remove(FENCES, FENCE);
    if (collects) collectGarbage(server, FENCE_UID);
    await isGone(server);
    assert.deepEqual(told(writes()), ["PATCH sidecars", "DELETE sidecars", "DELETE envoyfilters"]);
    const [first] = writes();
    const { metadata, spec } = (first as RecordedRequest).body as Sidecar;
    assert.deepEqual(
      spec.egress.map(({ hosts }) => hosts.filter((host) => host === "*/*" || host === `test1/${B}`)),
      [["*/*"], [`test1/${B}`]],
    );
    // Whoever wrote the reference to a fence that is gone again would have it taken away again.
    assert.deepEqual(
      metadata.ownerReferences?.map(({ kind }) => kind),
      ["ClusterRole"],
    );
  });

test("one that is deleted while no collector runs ends in steps when one does", async (t) => {
  const { server, collector } = await enforced(t);
  await collector.close();
  deleteFence(server);
  assert.deepEqual(left(server).map(ownersOf), [["ClusterRole"], ["ClusterRole"]]);
  const writes = writesSince(server);
  await startReplica(t, server, true, SHORT);
  await isGone(server);
  assert.deepEqual(told(writes()), ["PATCH sidecars", "DELETE sidecars", "DELETE envoyfilters"]);
});

test("the next leader goes on where the one before died", async (t) => {
  const { server, collector, leadership } = await enforced(t, LONG);
  deleteFence(server);
  await until(() => sidecarOf(server)?.parked.includes("*/*") === true);
  await collector.idle();
  leadership.leads = false;
  const writes = writesSince(server);
  await startReplica(t, server, true, SHORT);
  await isGone(server);
  assert.deepEqual(told(writes()), ["DELETE sidecars", "DELETE envoyfilters"]);
});

test("the next leader gives the Envoys their time also before the last step", async (t) => {
  const { server, collector } = await enforced(t);
  await collector.close();
  deleteFence(server);
  // The one before died when it had taken the Sidecar away.
  server.remove(SIDECARS, FENCE);
  const next = await startReplica(t, server, true, LONG);
  await next.collector.idle();
  assert.deepEqual(left(server).map(ownersOf), [["ClusterRole"]]);
  await next.collector.close();
  await startReplica(t, server, true, SHORT);
  await isGone(server);
});

test("one that is made again in between is in force at once, and its objects are its own", async (t) => {
  const { server, collector } = await enforced(t, LONG);
  deleteFence(server);
  await until(() => sidecarOf(server)?.parked.includes("*/*") === true);
  const writes = writesSince(server);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(() => left(server).every((object) => ownersOf(object)?.join() === "ServiceFence,ClusterRole"));
  await collector.idle();
  assert.ok(told(writes()).every((write) => write.startsWith("PATCH ")));
  assert.ok(sidecarOf(server)?.shown.includes(`test1/${B}`));
  const [sidecar] = left(server) as unknown as Sidecar[];
  assert.equal(sidecar?.metadata.ownerReferences?.[0]?.uid, "another");
});

test("what one had learned is not learned anew from the Sidecar that it leaves behind", async (t) => {
  const { server, collector } = await enforced(t, { ...LONG, ageing: { ...CONFIG.ageing, keepDeleted: "0s" } });
  deleteFence(server);
  await until(() => sidecarOf(server)?.parked.includes("*/*") === true && collector.reader.edgeFences().length === 0);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(() => ownersOf(left(server)[0])?.includes("ServiceFence") === true);
  await collector.idle();
  assert.deepEqual(collector.reader.edgesOf(FENCE), []);
});

for (const [what, end] of [
  ["deleted", deleteFence],
  ["switched off", switchOff],
] as const)
  test(`a fence for the pods of one that is ${what} waits until that one's objects are gone, and says so`, async (t) => {
    const { server, leadership } = await enforced(t, LONG);
    const key = { namespace: "test1", name: "later" };
    const metadata = { ...key, uid: "later", creationTimestamp: "2999-01-01T00:00:00Z" };
    const conditions = () => JSON.stringify(server.get(FENCES, key)?.status ?? {});
    const isThere = () => RENDERED.map((resource) => server.get(resource, key) !== undefined);
    server.put(FENCES, { metadata, spec: { enable: true, workloadSelector: { labels: { app: "a" } } } });
    await until(() => conditions().includes("comes first, by age"));
    end(server);
    await until(() => conditions().includes("what was rendered for fence test1/a, which is gone or off, is for the same pods"));
    assert.deepEqual(isThere(), [false, false]);
    leadership.leads = false;
    await startReplica(t, server, true, SHORT);
    await until(() => isThere().every((there) => there));
    assert.deepEqual(left(server), []);
    await until(() => !conditions().includes("same pods"));
  });

test("T-23 what is left of one in a namespace that is being deleted is left alone", async (t) => {
  const { server, collector } = await enforced(t);
  const writes = writesSince(server);
  server.put(NAMESPACES, { metadata: { name: "test1", deletionTimestamp: "2026-01-01T00:00:00Z" } });
  await until(() => collector.mesh.namespace("test1")?.metadata.deletionTimestamp !== undefined);
  deleteFence(server);
  await until(() => collector.mesh.fence(FENCE) === undefined);
  await collector.idle();
  assert.deepEqual(told(writes()), []);
  assert.equal(left(server).length, 2);
});

test("T-23 of one that is deleted in the foreground the reference goes first, and nobody puts it back", async (t) => {
  const { server, collector } = await enforced(t);
  const writes = writesSince(server);
  const { metadata, ...rest } = server.get(FENCES, FENCE) as FakeObject;
  server.put(FENCES, { ...rest, metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["foregroundDeletion"] } });
  await until(() => collector.mesh.fence(FENCE)?.metadata.deletionTimestamp !== undefined);
  collectGarbage(server, FENCE_UID);
  server.put(SERVICES, { ...SERVICE_B, metadata: { namespace: "test1", name: "c" } });
  await until(() => collector.mesh.registry.service("test1", "c") !== undefined);
  await collector.idle();
  assert.deepEqual(told(writes()), []);
  server.remove(FENCES, FENCE);
  await isGone(server);
});

test("where nothing stands for an installation, objects go with their fence, and are not made again", async (t) => {
  const { server, collector } = await startCluster(t, () => {}, true, SHORT);
  await until(() => sidecarOf(server)?.parked.length === 0);
  await collector.idle();
  assert.deepEqual(left(server).map(ownersOf), [["ServiceFence"], ["ServiceFence"]]);
  const writes = writesSince(server);
  deleteFence(server);
  await until(() => collector.mesh.fence(FENCE) === undefined);
  await collector.idle();
  assert.deepEqual(left(server), []);
  assert.ok(told(writes()).every((write) => write.startsWith("DELETE ")));
});

test("with the installation what it left behind goes, and fences' objects are the fences' alone again", async (t) => {
  const { server, collector } = await enforced(t);
  await collector.close();
  server.remove(CLUSTER_ROLES, CLUSTER_ROLE.metadata);
  collectGarbage(server, CLUSTER_ROLE.metadata.uid);
  assert.deepEqual(left(server).map(ownersOf), [["ServiceFence"], ["ServiceFence"]]);
  deleteFence(server);
  assert.deepEqual(left(server), []);
});

test("an installation that is made anew has all objects again, and no spec is written for it", async (t) => {
  const { server } = await enforced(t);
  const specs = left(server).map(({ spec }) => spec);
  server.remove(CLUSTER_ROLES, CLUSTER_ROLE.metadata);
  collectGarbage(server, CLUSTER_ROLE.metadata.uid);
  server.put(CLUSTER_ROLES, { metadata: { ...CLUSTER_ROLE.metadata, uid: "new" } });
  const uids = () => left(server).map((object) => (object as unknown as RenderedObject).metadata.ownerReferences?.map(({ uid }) => uid));
  await until(() => uids().every((each) => each?.join() === `${FENCE_UID},new`));
  assert.deepEqual(
    left(server).map(({ spec }) => spec),
    specs,
  );
});

test("a replica that adds to a Sidecar says still whose it is", async (t) => {
  const { server, collector, leadership } = await enforced(t);
  server.put(SERVICES, { ...SERVICE_B, metadata: { namespace: "test1", name: "c" } });
  leadership.leads = false;
  const host = "c.test1.svc.cluster.local";
  await until(() => collector.mesh.registry.resolveHost(host) !== undefined);
  await send(collector.accessLogPort, [
    encodeAccessLogMessage({
      identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
      entries: [{ upstreamCluster: `outbound|80||${host}`, responseCode: 200 }],
    }),
  ]);
  await until(() => [...(sidecarOf(server)?.shown ?? []), ...(sidecarOf(server)?.parked ?? [])].includes(`test1/${host}`));
  const { annotations } = (server.get(SIDECARS, FENCE) as unknown as Sidecar).metadata;
  assert.equal(annotations?.["fenceline.io/owner"], "ServiceFence/a");
  assert.deepEqual(ownersOf(server.get(SIDECARS, FENCE)), ["ServiceFence", "ClusterRole"]);
});

test("what is left of a fence goes also where its CRD has gone since: Kubernetes has looked for the fence", async (t) => {
  const { server, collector } = await enforced(t);
  await collector.close();
  deleteFence(server);
  for (const resource of [FENCES, THEIRS]) server.uninstall(resource);
  await startReplica(t, server, true, SHORT);
  await isGone(server);
});

test("objects whose fence cannot be looked for stay as they are", async (t) => {
  const { server, collector } = await enforced(t);
  await collector.close();
  const writes = writesSince(server);
  for (const resource of [FENCES, THEIRS]) server.uninstall(resource);
  const next = await startReplica(t, server, true, SHORT);
  assert.deepEqual(next.store.goneOwners({ name: "ServiceFence", plural: "servicefences", apiVersions: [], isNamespaced: true }), []);
  await next.collector.idle();
  assert.deepEqual(told(writes()), []);
});

test("somebody else's object with our annotation, and without our label, is not ours to delete", async (t) => {
  const { server, store } = await enforced(t);
  const key = { namespace: "test1", name: "theirs" };
  const annotations = { "fenceline.io/owner": "ServiceFence/gone" };
  server.put(SIDECARS, { metadata: { ...key, annotations }, spec: { workloadSelector: { labels: { app: "x" } }, egress: [] } });
  server.put(SIDECARS, { metadata: { ...key, name: "ours", annotations, labels: { [MANAGED_BY_LABEL]: MANAGER } }, spec: { egress: [] } });
  await until(() => server.get(SIDECARS, { ...key, name: "ours" }) === undefined, 20_000);
  assert.notEqual(server.get(SIDECARS, key), undefined);
  assert.equal(store.ownedBy(OWNER).length, 2);
});

test("upgrade: what the version before left belongs to the installation too from now on, and goes in steps", async (t) => {
  const {
    fence: theFence,
    sidecar,
    envoyFilter,
  } = JSON.parse(readFileSync(join(import.meta.dirname, "testing/before/cluster.json"), "utf8"));
  const { server, collector } = await startCluster(
    t,
    (fake) => {
      fake.put(CLUSTER_ROLES, CLUSTER_ROLE);
      fake.put(FENCES, theFence);
      fake.put(SIDECARS, sidecar, "fenceline");
      fake.put(ENVOY_FILTERS, envoyFilter, "fenceline");
      for (const [namespace, name, port] of [
        ["test1", "b", 80],
        ["shop", "web", 8080],
      ] as const)
        fake.put(SERVICES, { metadata: { namespace, name }, spec: { clusterIP: "None", ports: [{ name: "http", port }] } });
    },
    true,
    SHORT,
  );
  await until(() => left(server).every((object) => ownersOf(object)?.join() === "ServiceFence,ClusterRole"));
  await collector.idle();
  assert.deepEqual(
    left(server).map(({ metadata }) => metadata.uid),
    [sidecar, envoyFilter].map(({ metadata }) => metadata.uid),
  );
  await until(() => sidecarOf(server)?.parked.length === 0);
  await collector.idle();
  const writes = writesSince(server);
  deleteFence(server);
  await isGone(server);
  assert.deepEqual(told(writes()), ["PATCH sidecars", "DELETE sidecars", "DELETE envoyfilters"]);
});
