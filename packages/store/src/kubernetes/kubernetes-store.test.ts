import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DomainStatus,
  ENDPOINT_SLICE,
  FOREIGN_ENVOY_FILTER,
  NAMESPACE,
  SERVICE,
  SERVICE_FENCE,
  type ServiceFenceStatus,
  SIDECAR,
} from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer } from "@fenceline/kubernetes/testing";
import { service } from "@fenceline/kubernetes/testing";
import { envoyFilter, FENCE, fence, OWNED, OWNER, sidecar } from "./testing/rendered-objects.ts";
import { ENDPOINT_SLICES, ENVOY_FILTERS, NAMESPACES, SERVICE_FENCES, SERVICES, SIDECARS } from "./testing/resources.ts";
import { openStore, openStoreOn } from "./testing/store-under-test.ts";

const [OURS, SLIMES] = SERVICE_FENCES as [(typeof SERVICE_FENCES)[number], (typeof SERVICE_FENCES)[number]];
const seen = (second: number): DomainStatus => ({
  status: "ACTIVE",
  source: "learned",
  lastSeen: new Date(second * 1_000).toISOString(),
  requests: 1,
});
const learned = (domains: Record<string, DomainStatus>): ServiceFenceStatus => ({ domains });
const withFence = (server: FakeApiServer) => server.put(OURS, fence());
const liveStatus = (server: FakeApiServer) => (server.get(OURS, FENCE)?.status ?? {}) as ServiceFenceStatus;

test("a snapshot holds namespaces, services, endpoints and the fences of both groups", async (t) => {
  const { store } = await openStore(t, (server) => {
    server.put(NAMESPACES, { metadata: { name: "test1" } });
    server.put(SERVICES, service("web"));
    server.put(ENDPOINT_SLICES, { metadata: { name: "web-1", namespace: "shop" }, addressType: "IPv4", endpoints: null });
    server.put(OURS, fence());
    server.put(SLIMES, fence({}, { namespace: "test1", name: "old" }));
  });
  const { of } = store.snapshot();
  const names = [...of(NAMESPACE), ...of(SERVICE), ...of(ENDPOINT_SLICE), ...of(SERVICE_FENCE)].map(({ metadata }) => metadata.name);
  assert.deepEqual(names, ["test1", "web", "web-1", "a", "old"]);
});

test("where both groups have a fence of one name, our own group's counts", async (t) => {
  const { store } = await openStore(t, (server) => {
    server.put(SLIMES, fence());
    server.put(OURS, fence());
  });
  assert.deepEqual(
    store
      .snapshot()
      .of(SERVICE_FENCE)
      .map(({ apiVersion }) => apiVersion),
    ["microservice.slime.io/v1alpha1"],
  );
});

test("many changes at once become one snapshot, and what did not change is the same object", async (t) => {
  const { server, store, settled, snapshots } = await openStore(t, (fake) => fake.put(SERVICES, service("web")));
  const [before] = store.snapshot().of(SERVICE);
  for (let index = 0; index < 50; index += 1) server.put(SERVICES, service(`s${index}`));
  await until(() => store.snapshot().of(SERVICE).length === 51);
  await settled(() => snapshots() > 0);
  assert.equal(snapshots(), 1);
  assert.equal(store.snapshot().of(SERVICE)[0], before);
});

test("E3-08 a kind that may not be read, or does not exist, is named, and the rest works", async (t) => {
  const { store, troubles } = await openStore(t, (server) => {
    server.put(SERVICES, service("web"));
    const isOurs = (query: URLSearchParams) => query.get("labelSelector") === "app.kubernetes.io/managed-by=fenceline";
    server.answer(({ path, query }) => path.includes("envoyfilters") && isOurs(query), {
      status: 404,
      body: { code: 404, message: "no such kind" },
    });
    server.answer(({ path }) => path.includes("endpointslices"), { status: 403, body: { code: 403, message: "forbidden" } });
  });
  assert.equal(store.snapshot().of(SERVICE).length, 1);
  const unavailable = store.health().filter(({ state }) => state === "unavailable");
  assert.deepEqual(
    unavailable.map(({ kind }) => kind),
    ["EndpointSlice", "EnvoyFilter"],
  );
  assert.deepEqual(troubles.map(({ code }) => code).sort(), ["KUBERNETES_FORBIDDEN", "KUBERNETES_NOT_FOUND"]);
});

test("what was applied is in rendered() at once, in the form in which it was rendered", async (t) => {
  const { store } = await openStore(t, withFence);
  await store.apply({ action: "create", owner: OWNER, object: envoyFilter() });
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  assert.deepEqual(store.ownedBy(OWNER), [envoyFilter(), sidecar("x/*")]);
  await store.apply({ action: "update", owner: OWNER, object: sidecar("y/*") });
  assert.deepEqual(store.ownedBy(OWNER)[1], sidecar("y/*"));
  await store.apply({ action: "delete", owner: OWNER, object: { kind: "Sidecar", ...FENCE } });
  assert.deepEqual(store.ownedBy(OWNER), [envoyFilter()]);
});

test("an object is its owner's, whatever its name, and no other owner may write it", async (t) => {
  const { store } = await openStore(t, withFence);
  const other = { ...sidecar("x/*"), metadata: { ...OWNED, name: "a-second" } };
  await store.apply({ action: "create", owner: OWNER, object: other });
  assert.deepEqual(store.ownedBy(OWNER), [other]);
  const limiter = { kind: "SmartLimiter", namespace: "test1", name: "a" };
  assert.deepEqual(store.ownedBy(limiter), []);
  const obstacle = await store.apply({ action: "delete", owner: limiter, object: { kind: "Sidecar", ...FENCE, name: "a-second" } });
  assert.match(obstacle?.message ?? "", /Sidecar test1\/a-second belongs to ServiceFence a, not to SmartLimiter a/);
  assert.deepEqual(store.ownedBy(OWNER), [other]);
});

test("our own writes make no new snapshot", async (t) => {
  const { server, store, settled, snapshots } = await openStore(t, withFence);
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  await store.writeStatus(OWNER, learned({ b: seen(1) }));
  server.put(SERVICES, service("end"));
  await settled(() => snapshots() > 0);
  await until(() => store.snapshot().of(SERVICE).length === 1);
  assert.equal(snapshots(), 1);
  assert.deepEqual(Object.keys(store.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {}), ["b"]);
});

test("E3-02 a rendered object that somebody edits or deletes makes a new snapshot, so that it is repaired", async (t) => {
  const { server, store, settled, snapshots } = await openStore(t, withFence);
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  server.put(SIDECARS, { ...server.get(SIDECARS, FENCE), spec: sidecar("evil/*").spec });
  await settled(() => snapshots() === 1);
  assert.deepEqual(store.ownedBy(OWNER)[0]?.spec, sidecar("evil/*").spec);
  server.remove(SIDECARS, FENCE);
  await settled(() => snapshots() === 2);
  assert.deepEqual(store.ownedBy(OWNER), []);
});

test("E3-02 a Sidecar of somebody else is not ours to see or write, but is named", async (t) => {
  const { server, store } = await openStore(t, (fake) => {
    withFence(fake);
    fake.put(SIDECARS, { metadata: FENCE, spec: { workloadSelector: { labels: { app: "a" } } } });
    fake.put(SIDECARS, { metadata: { namespace: "test1", name: "default" }, spec: {} });
    fake.put(SIDECARS, { metadata: { namespace: "test1", name: "open" }, spec: { outboundTrafficPolicy: { mode: "ALLOW_ANY" } } });
  });
  assert.deepEqual(store.ownedBy(OWNER), []);
  assert.deepEqual(store.goneOwners(SERVICE_FENCE), []);
  assert.deepEqual(store.foreign(SIDECAR, "test1"), [
    { namespace: "test1", name: "a", selector: { app: "a" } },
    { namespace: "test1", name: "default", selector: undefined },
    { namespace: "test1", name: "open", selector: undefined, outbound: "ALLOW_ANY" },
  ]);
  assert.equal((await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") }))?.reason, "Conflict");
  assert.equal((await store.apply({ action: "delete", owner: OWNER, object: { kind: "Sidecar", ...FENCE } }))?.reason, "Conflict");
  assert.equal(server.count("PATCH") + server.count("DELETE"), 0);
});

test("T-05 Sidecars of others without a selector are in the snapshot, with the mode that Istio reads, and follow their changes", async (t) => {
  const policies: Record<string, unknown> = {
    closed: { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } },
    // The zero of the enum, which protobuf's JSON leaves out.
    zero: { outboundTrafficPolicy: {} },
    open: { outboundTrafficPolicy: { mode: "ALLOW_ANY" }, workloadSelector: { labels: {} } },
    inherits: {},
    selects: { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" }, workloadSelector: { labels: { app: "a" } } },
  };
  const { server, store, settled } = await openStore(t, (fake) => {
    withFence(fake);
    for (const [namespace, spec] of Object.entries(policies)) fake.put(SIDECARS, { metadata: { namespace, name: "default" }, spec });
  });
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  const modes = () => Object.fromEntries((store.snapshot().defaultSidecars ?? []).map(({ namespace, outbound }) => [namespace, outbound]));
  assert.deepEqual(modes(), { closed: "REGISTRY_ONLY", zero: "REGISTRY_ONLY", open: "ALLOW_ANY", inherits: undefined });
  server.put(SIDECARS, { metadata: { namespace: "inherits", name: "default" }, spec: policies.closed });
  await settled(() => modes().inherits === "REGISTRY_ONLY");
  server.remove(SIDECARS, { namespace: "closed", name: "default" });
  await settled(() => !("closed" in modes()));
});

test("EnvoyFilters of others are read apart from ours, and of each no more than what it has proxies call", async (t) => {
  const value = { cluster: "outbound|80||b.test2.svc.cluster.local", name: "x".repeat(1_000) };
  const spec = { configPatches: [{ patch: { value } }] };
  const { server, store } = await openStore(t, (fake) => fake.put(ENVOY_FILTERS, { metadata: FENCE, spec }));
  const counts = store.health().flatMap(({ kind, objects }) => (kind === "EnvoyFilter" ? [objects] : []));
  assert.deepEqual(counts.sort(), [0, 1]);
  const lists = server.requests.filter(({ path, query }) => path.includes("envoyfilters") && !query.has("watch"));
  assert.deepEqual(lists.map(({ query }) => query.get("labelSelector")).sort(), [
    "app.kubernetes.io/managed-by!=fenceline",
    "app.kubernetes.io/managed-by=fenceline",
  ]);
  const [foreign] = store.snapshot().of(FOREIGN_ENVOY_FILTER);
  assert.deepEqual(foreign?.spec, { selector: {}, references: ["b.test2.svc.cluster.local"] });
});

test("a fence that was deleted is known as long as something of it is there", async (t) => {
  const { server, store, settled } = await openStore(t, withFence);
  await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  server.remove(OURS, FENCE);
  await settled(() => store.snapshot().of(SERVICE_FENCE).length === 0);
  assert.deepEqual(store.goneOwners(SERVICE_FENCE), [OWNER]);
  server.remove(SIDECARS, FENCE);
  await settled(() => store.goneOwners(SERVICE_FENCE).length === 0);
});

test("E3-08 while fences cannot be listed, nobody may take their objects for orphans", async (t) => {
  const { store } = await openStore(t, (server) => {
    server.put(SIDECARS, sidecar("x/*"));
    server.answer(({ path }) => path.includes("microservice.slime.io"), { status: 404, body: { code: 404 } });
  });
  assert.deepEqual(store.goneOwners(SERVICE_FENCE), []);
});

test("E3-08 the objects of a fence that is not valid are no orphans either", async (t) => {
  const { store } = await openStore(t, (server) => {
    server.put(SIDECARS, sidecar("x/*"));
    server.put(OURS, { ...fence(), spec: { enabel: true } });
  });
  assert.deepEqual(store.goneOwners(SERVICE_FENCE), []);
  assert.deepEqual(store.snapshot().of(SERVICE_FENCE), []);
});

test("a status is written to the status subresource, of the group that the fence is of, naming only what changed", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(SLIMES, fence()));
  await store.writeStatus(OWNER, learned({ b: seen(1) }));
  await store.writeStatus(OWNER, learned({ b: seen(1), c: seen(2) }));
  const patches = server.requests.filter(({ method }) => method === "PATCH");
  assert.deepEqual(
    patches.map(({ path }) => path),
    Array(2).fill("/apis/microservice.netease.com/v1alpha1/namespaces/test1/servicefences/a/status"),
  );
  assert.deepEqual(patches[1]?.body, { status: { domains: { c: seen(2) } } });
});

test("a status that did not change is not sent", async (t) => {
  const { server, store } = await openStore(t, withFence);
  for (let writes = 0; writes < 3; writes += 1) await store.writeStatus(OWNER, learned({ b: seen(1) }));
  assert.equal(server.count("PATCH"), 1);
});

test("the status of a fence that is gone needs no writing", async (t) => {
  const { server, store } = await openStore(t, withFence);
  const path = `/apis/${OURS.apiVersion}/namespaces/test1/servicefences/a`;
  server.answer((request) => request.path.startsWith(path), { status: 404, body: { code: 404 } }, { status: 404, body: { code: 404 } });
  await store.writeStatus(OWNER, learned({ b: seen(1) }));
  await store.writeStatus({ kind: "ServiceFence", namespace: "test1", name: "never" }, learned({ b: seen(1) }));
  assert.equal(server.count("PATCH"), 1);
});

test("two replicas that learn at the same time lose nothing, without a conflict", async (t) => {
  const { server, store: first, settled } = await openStore(t, withFence);
  const { store: second, leadership } = await openStoreOn(t, server);
  leadership.lose();
  const hosts = Array.from({ length: 20 }, (_, index) => `h${index}`);
  const mine: [Record<string, DomainStatus>, Record<string, DomainStatus>] = [{}, {}];
  await Promise.all(
    [first, second].map(async (store, which) => {
      for (const host of hosts.filter((_, index) => index % 2 === which)) {
        mine[which === 0 ? 0 : 1][host] = seen(1);
        await store.writeStatus(OWNER, learned({ ...mine[which === 0 ? 0 : 1] }));
      }
    }),
  );
  assert.deepEqual(Object.keys(liveStatus(server).domains).sort(), hosts.sort());
  assert.equal(server.count("PATCH"), 20);
  await settled(() => Object.keys(first.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {}).length === 20);
});

test("what another replica wrote makes a new snapshot, and the leader may then take it away", async (t) => {
  const { server, store, settled, snapshots } = await openStore(t, withFence);
  const { store: other } = await openStoreOn(t, server);
  await other.writeStatus(OWNER, learned({ b: seen(1) }));
  await settled(() => snapshots() === 1);
  await store.writeStatus(OWNER, learned({}));
  assert.deepEqual(liveStatus(server).domains, {});
});

test("what another replica wrote stays as long as this one was not told of it", async (t) => {
  const { server, store } = await openStore(t, withFence);
  const { store: other } = await openStoreOn(t, server);
  await other.writeStatus(OWNER, learned({ b: seen(1) }));
  await until(() => store.snapshot().of(SERVICE_FENCE)[0]?.status.domains.b !== undefined);
  await store.writeStatus(OWNER, learned({ c: seen(1) }));
  assert.deepEqual(Object.keys(liveStatus(server).domains).sort(), ["b", "c"]);
});

test("E3-06 without leadership nothing is rendered, and learning goes on", async (t) => {
  const { server, store, leadership } = await openStore(t, withFence);
  leadership.lose();
  await assert.rejects(store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") }), /NOT_LEADER/);
  await store.writeStatus(OWNER, learned({ b: seen(1) }));
  assert.deepEqual(Object.keys(liveStatus(server).domains), ["b"]);
});

test("a listener that throws disturbs no other", async (t) => {
  const { server, store, settled, snapshots, troubles } = await openStore(t);
  store.onChange(() => {
    throw new Error("broken listener");
  });
  server.put(SERVICES, service("web"));
  await settled(() => snapshots() === 1 && troubles.length === 1);
  assert.equal(troubles[0]?.code, "LISTENER_FAILED");
});

test("a closed store leaves no watch open", async (t) => {
  const { server, store } = await openStore(t);
  await store.close();
  await until(() =>
    [NAMESPACES, SERVICES, ENDPOINT_SLICES, OURS, SLIMES, SIDECARS, ENVOY_FILTERS].every((kind) => server.openWatches(kind) === 0),
  );
});

const B = "b.test1.svc.cluster.local";

test("T-11 a status that is not readable in part keeps its readable hosts, and what is left out is told once", async (t) => {
  const domains = { [B]: { ...seen(1), requests: 2 ** 63 }, "c.test1.svc.cluster.local": seen(1), "d.test1.svc.cluster.local": "soon" };
  const { server, store, troubles, settled } = await openStore(t, (fake) =>
    fake.put(OURS, { ...fence(), status: { domains, conditions: {} } }),
  );
  const hosts = () => store.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {};
  assert.deepEqual(Object.keys(hosts()), [B, "c.test1.svc.cluster.local"]);
  assert.equal(hosts()[B]?.requests, Number.MAX_SAFE_INTEGER);
  server.put(OURS, { ...fence(), status: { domains: { ...domains, "e.test1.svc.cluster.local": seen(2) }, conditions: {} } });
  await settled(() => "e.test1.svc.cluster.local" in hosts());
  const told = troubles.filter(({ code }) => code === "STATUS_PARTLY_UNREADABLE");
  assert.equal(told.length, 1);
  assert.match(told[0]?.message ?? "", /ServiceFence test1\/a .*requests, domains\['d\.test1.*conditions/);
});

test("T-11 a status that becomes unreadable takes away no host that was read before", async (t) => {
  const { server, store, settled, troubles } = await openStore(t, (fake) =>
    fake.put(OURS, { ...fence(), status: { domains: { [B]: seen(1) } } }),
  );
  server.put(OURS, { ...fence(), status: "lost" });
  await settled(() => troubles.length > 0);
  assert.deepEqual(Object.keys(store.snapshot().of(SERVICE_FENCE)[0]?.status.domains ?? {}), [B]);
  await store.writeStatus(OWNER, learned({ [B]: seen(2) }));
  assert.equal(liveStatus(server).domains[B]?.lastSeen, seen(2).lastSeen);
});
