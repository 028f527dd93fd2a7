import assert from "node:assert/strict";
import { test } from "node:test";
import { ENVOY_FILTER, type ObjectChange, SERVICE, SERVICE_FENCE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes";
import type { Change } from "../change.ts";
import type { MeshChanges } from "../store.ts";
import { FENCE, fence, OWNER, sidecar } from "./testing/rendered-objects.ts";
import { ENVOY_FILTERS, SERVICE_FENCES, SERVICES, SIDECARS } from "./testing/resources.ts";
import { openStore } from "./testing/store-under-test.ts";

const [OURS, SLIMES] = SERVICE_FENCES as [Resource, Resource];

function service(name: string, port = 80) {
  return { metadata: { namespace: "test1", name }, spec: { ports: [{ port }] } };
}

/** `web: 80 → 90` */
function ports(told: readonly MeshChanges[]): readonly string[] {
  const text = (side: ObjectChange<{ readonly spec: { readonly ports: readonly { readonly port: number }[] } }>["before"]) =>
    String(side?.spec.ports.map(({ port }) => port));
  return told.flatMap(({ of }) =>
    of(SERVICE).map(({ before, after }) => `${(after ?? before)?.metadata.name}: ${text(before)} → ${text(after)}`),
  );
}

/** Kinds of which something was told. */
function kinds(told: readonly MeshChanges[]): readonly string[] {
  return told.flatMap(({ of, ...lists }) => {
    const all = { ...lists, services: of(SERVICE), fences: of(SERVICE_FENCE) };
    return Object.entries(all).flatMap(([kind, list]) => (list.length > 0 ? kind : []));
  });
}

test("what came, changed and went is told, and nothing of what was there before", async (t) => {
  const { server, told, settled } = await openStore(t, (fake) => fake.put(SERVICES, service("old")));
  server.put(SERVICES, service("web"));
  await settled(() => told.length === 1);
  server.put(SERVICES, service("web", 90));
  await settled(() => told.length === 2);
  server.remove(SERVICES, { namespace: "test1", name: "web" });
  await settled(() => told.length === 3);
  assert.deepEqual(ports(told), ["web: undefined → 80", "web: 80 → 90", "web: 90 → undefined"]);
  assert.deepEqual(kinds(told), ["services", "services", "services"]);
});

test("an object that comes and goes before it is told is told to nobody", async (t) => {
  const { server, store, told, settled } = await openStore(t);
  server.put(SERVICES, service("short"));
  server.remove(SERVICES, { namespace: "test1", name: "short" });
  server.put(SERVICES, service("web"));
  await settled(() => told.length === 1 && store.snapshot().of(SERVICE).length === 1);
  assert.deepEqual(ports(told), ["web: undefined → 80"]);
});

test("of a fence that another group's fence hides nothing is told, until it counts", async (t) => {
  const { server, store, told, settled } = await openStore(t, (fake) => fake.put(OURS, fence()));
  server.put(SLIMES, fence());
  server.put(SLIMES, { ...fence(), spec: { enable: false } });
  server.put(SERVICES, service("web"));
  await settled(() => told.length > 0 && store.health().every(({ kind, objects }) => kind !== "ServiceFence" || objects === 1));
  assert.deepEqual(told.at(-1)?.of(SERVICE_FENCE), []);
  server.remove(OURS, FENCE);
  await settled(() => told.at(-1)?.of(SERVICE_FENCE).length === 1);
  const [change] = told.at(-1)?.of(SERVICE_FENCE) ?? [];
  assert.deepEqual([change?.before?.apiVersion, change?.after?.apiVersion], [OURS.apiVersion, SLIMES.apiVersion]);
});

test("a status of ours alone is told to nobody; it comes with what others change, as ours", async (t) => {
  const { server, store, told, settled } = await openStore(t, (fake) => fake.put(OURS, fence()));
  await store.writeStatus(OWNER, { domains: { b: { source: "learned" } } });
  server.put(SERVICES, service("web"));
  await settled(() => told.length === 1);
  const [change] = told[0]?.of(SERVICE_FENCE) ?? [];
  assert.deepEqual([change?.isOurs, Object.keys(change?.after?.status.domains ?? {})], [true, ["b"]]);
});

test("a spec that comes with the answer to a status of ours is told as somebody else's change", async (t) => {
  const { server, store, told, settled } = await openStore(t, (fake) => fake.put(OURS, fence()));
  server.put(OURS, { ...fence(), spec: { enable: false } });
  await store.writeStatus(OWNER, { domains: { b: { source: "learned" } } });
  await settled(() => told.length === 1);
  const [change] = told[0]?.of(SERVICE_FENCE) ?? [];
  assert.deepEqual([change?.isOurs, change?.before?.spec.enable, change?.after?.spec.enable], [false, true, false]);
});

test("issue 14: the event of a write or deletion of ours that comes before the answer is no disturbance", async (t) => {
  const { server, store, told, settled } = await openStore(t, (fake) => fake.put(OURS, fence()));
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  const hosts = () => JSON.stringify(store.ownedBy(OWNER).map(({ spec }) => spec));
  /** Holds a request back, and sends what it brings before. */
  const early = async (method: string, change: Change, type: string, object: object) => {
    const release = server.hold((request) => request.method === method && request.path.includes("/sidecars/"));
    const done = store.apply(change);
    const { metadata } = server.get(SIDECARS, FENCE) ?? assert.fail("there is no Sidecar");
    const before = hosts();
    const resourceVersion = String(Number(metadata.resourceVersion) + 1);
    server.sendEvent(SIDECARS, type, { ...SIDECARS, ...object, metadata: { ...metadata, resourceVersion } });
    await until(() => hosts() !== before);
    release();
    await done;
  };
  const object = sidecar("y/*");
  await early("PATCH", { action: "update", owner: OWNER, object }, "MODIFIED", { spec: object.spec });
  const place = { kind: "Sidecar", ...FENCE } as const;
  await early("DELETE", { action: "delete", owner: OWNER, object: place }, "DELETED", { spec: object.spec });
  server.put(SERVICES, service("web"));
  await settled(() => told.some(({ of }) => of(SERVICE).length > 0));
  assert.deepEqual(
    told.flatMap(({ disturbed }) => disturbed),
    [],
  );
});

test("who changes what was rendered is told by its owner, and who makes a Sidecar beside it by the namespace", async (t) => {
  const { server, store, told, settled } = await openStore(t, (fake) => fake.put(OURS, fence()));
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  server.put(SIDECARS, sidecar("y/*"));
  await settled(() => told.length === 1);
  assert.deepEqual([told[0]?.disturbed, told[0]?.foreign], [[OWNER], []]);
  server.put(SIDECARS, { metadata: { namespace: "test1", name: "theirs" }, spec: { workloadSelector: { labels: { app: "a" } } } });
  await settled(() => told.length === 2);
  assert.deepEqual([told[1]?.disturbed, told[1]?.foreign], [[], ["test1"]]);
  server.put(SIDECARS, { metadata: { namespace: "test2", name: "default" }, spec: { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } } });
  await settled(() => told.length === 3);
  assert.deepEqual(
    told[2]?.defaultSidecars.map(({ before, after }) => [before, after?.outbound]),
    [[undefined, "REGISTRY_ONLY"]],
  );
});

test("a list is made again only when something of its kind changed", async (t) => {
  const { server, store, told, settled } = await openStore(t, (fake) => fake.put(OURS, fence()));
  const services = store.snapshot().of(SERVICE);
  const fences = store.snapshot().of(SERVICE_FENCE);
  server.put(SERVICES, service("web"));
  await settled(() => told.length === 1);
  assert.equal(store.snapshot().of(SERVICE_FENCE), fences);
  assert.notEqual(store.snapshot().of(SERVICE), services);
  assert.deepEqual(services, []);
});

test("issue 16: whatever becomes of an object of a rendered kind, the versions of its namespace are others, and those of another are not", async (t) => {
  const filter = (patch: string) => ({ metadata: { namespace: "test1", name: "theirs" }, spec: { configPatches: [{ applyTo: patch }] } });
  const { server, store, settled } = await openStore(t, (fake) => fake.put(SIDECARS, sidecar()));
  const versions = (namespace = "test1") => store.versionsIn(ENVOY_FILTER, namespace);
  const before = versions();
  server.put(ENVOY_FILTERS, filter("CLUSTER"));
  await settled(() => versions() !== before);
  const made = versions();
  server.put(ENVOY_FILTERS, filter("LISTENER"));
  await settled(() => versions() !== made);
  assert.notEqual(versions(), before);
  server.remove(ENVOY_FILTERS, { namespace: "test1", name: "theirs" });
  await settled(() => versions() === before);
  assert.deepEqual([before, versions("test2")], ["", ""], "a Sidecar is none");
});
