import assert from "node:assert/strict";
import { test } from "node:test";
import { SERVICE_FENCE, type ServiceFenceStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes";
import { envoyFilter, FENCE, FENCE_UID, fence, OWNER, sidecar } from "./testing/rendered-objects.ts";
import { ENVOY_FILTERS, SERVICE_FENCES, SIDECARS } from "./testing/resources.ts";
import { openStore } from "./testing/store-under-test.ts";

const [OURS, SLIMES] = SERVICE_FENCES as [Resource, Resource];
const STATUS: ServiceFenceStatus = { domains: { b: { status: "ACTIVE", source: "learned" } } };
const create = { action: "create", owner: OWNER, object: envoyFilter() } as const;

test("E3-02 an EnvoyFilter of somebody else is named as what stands in the way, until it is gone", async (t) => {
  const { server, store } = await openStore(t, (fake) => {
    fake.put(OURS, fence());
    fake.put(ENVOY_FILTERS, { metadata: FENCE, spec: { mine: true } });
  });
  const obstacle = await store.apply(create);
  assert.deepEqual([obstacle?.reason, obstacle?.kind, obstacle?.namespace, obstacle?.name], ["Conflict", "EnvoyFilter", "test1", "a"]);
  assert.match(obstacle?.message ?? "", /^EnvoyFilter test1\/a exists and is not labelled .*: delete or rename it/);
  assert.deepEqual(server.get(ENVOY_FILTERS, FENCE)?.spec, { mine: true });
  server.remove(ENVOY_FILTERS, FENCE);
  assert.equal(await store.apply(create), undefined);
});

test("E3-08 a right to write that is missing stands in the way, and names itself", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  const grant = server.forbid(SIDECARS, "PATCH");
  const obstacle = await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  assert.equal(obstacle?.reason, "WriteForbidden");
  assert.match(
    obstacle?.message ?? "",
    /PATCH .*\/sidecars\/a: 403 sidecars is forbidden: grant the collector the right to write Sidecars/,
  );
  assert.equal(await store.apply(create), undefined);
  grant();
  assert.equal(await store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") }), undefined);
});

test("E3-08 a CRD of Istio that is not installed stands in the way, until it is", async (t) => {
  const { server, store, clock } = await openStore(t, (fake) => fake.put(OURS, fence()));
  const install = server.uninstall(ENVOY_FILTERS);
  await until(() => {
    clock.advance(1_000);
    return store.health().some(({ kind, absent }) => kind === "EnvoyFilter" && absent);
  });
  const obstacle = await store.apply(create);
  assert.deepEqual([obstacle?.reason, obstacle?.kind], ["KindMissing", "EnvoyFilter"]);
  install();
  assert.equal(await store.apply(create), undefined);
});

test("a 404 for any other reason, as of a namespace that is being deleted, is an error that passes", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  server.fail(({ method }) => method === "PATCH", { status: 404, body: { code: 404, message: 'namespaces "test1" not found' } });
  await assert.rejects(store.apply(create), /KUBERNETES_NOT_FOUND.*namespaces "test1" not found/);
});

for (const [status, message, reason, advice] of [
  [403, "forbidden: status unknown for quota: q, resources: count/sidecars", "QuotaExceeded", /controller that counts/],
  [403, "forbidden: insufficient quota to match these scopes: []", "QuotaExceeded", /raise the ResourceQuota/],
  [403, "forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource", "WriteForbidden", /update finalizers/],
  [500, 'admission webhook "p.example" denied the request: no', "WriteForbidden", /ask who runs the policy/],
  [500, "etcdserver: mvcc: database space exceeded", "DiskFull", /compact and defragment etcd/],
] as const)
  test(`T-15 what the API server says of a write has advice that fits: ${status} ${message}`, async (t) => {
    const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
    server.fail(({ method }) => method === "PATCH", { status, body: { code: status, message } });
    const [obstacle] = [await store.apply(create)];
    assert.equal(obstacle?.reason, reason);
    assert.match(obstacle?.message ?? "", advice);
  });

test("what a webhook of Istio refuses is shown in its own words", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  const message = 'admission webhook "rev.validation.istio.io" denied the request: bad egress';
  server.answer(({ method }) => method === "PATCH", { status: 400, body: { code: 400, message } });
  const obstacle = await store.apply(create);
  assert.equal(obstacle?.reason, "WriteRefused");
  assert.match(obstacle?.message ?? "", /denied the request: bad egress/);
});

test("T-15 what a ValidatingAdmissionPolicy denies is told with whom to ask, and a CRD that is going as a kind that is missing", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  for (const [status, message, reason, advice] of [
    [
      422,
      "ValidatingAdmissionPolicy 'none' with binding 'none' denied request: no Sidecars here",
      "WriteForbidden",
      "ask who runs the policy",
    ],
    [403, "create not allowed while custom resource definition is terminating", "KindMissing", "install the CRD"],
  ] as const) {
    server.answer(({ method }) => method === "PATCH", { status, body: { code: status, message } });
    const obstacle = await store.apply(create);
    assert.equal(obstacle?.reason, reason);
    assert.ok(obstacle?.message.includes(advice), obstacle?.message);
  }
});

test("T-11 of the words of a webhook that writes a megabyte, a condition gets a beginning and their length", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  for (const [status, reason] of [
    [400, "WriteRefused"],
    [403, "WriteForbidden"],
  ] as const) {
    server.answer(({ method }) => method === "PATCH", { status, body: { code: status, message: `denied: ${"x".repeat(1_000_000)}` } });
    const obstacle = await store.apply(create);
    assert.equal(obstacle?.reason, reason);
    assert.match(obstacle?.message ?? "", /denied: x+… \(\d{4,} characters\)/);
    assert.ok((obstacle?.message.length ?? 0) < 1_500, `${obstacle?.message.length}`);
  }
});

test("E3-08 an API server that is down, or overloaded, is no obstacle but an error that passes", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  server.answer(({ method }) => method === "PATCH", "cut", { status: 500, body: {} });
  await assert.rejects(store.apply(create), /KUBERNETES_UNREACHABLE/);
  await assert.rejects(store.apply(create), /KUBERNETES_REFUSED/);
});

test("E3-08 a status that may not be written, or for which there is no place, is an obstacle", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  server.answer(({ path }) => path.endsWith("/status"), { status: 403, body: { code: 403 } }, { status: 404, body: { code: 404 } });
  assert.equal((await store.writeStatus(OWNER, STATUS))?.reason, "WriteForbidden");
  assert.equal((await store.writeStatus(OWNER, STATUS))?.reason, "StatusMissing");
  assert.equal(await store.writeStatus(OWNER, STATUS), undefined);
});

test("T-11 a status for a fence that was deleted and made again meanwhile is no fault of the CRD, and is not written", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence()));
  server.fail(
    ({ path }) => {
      if (!path.endsWith("/status")) return false;
      if (server.get(OURS, FENCE)?.metadata.uid === FENCE_UID) {
        server.remove(OURS, FENCE);
        server.put(OURS, { ...fence(), metadata: { ...FENCE, uid: "another" } });
      }
      return true;
    },
    { status: 404, body: { code: 404 } },
  );
  assert.equal(await store.writeStatus(OWNER, STATUS), undefined);
  assert.equal(server.get(OURS, FENCE)?.status, undefined);
});

for (const [there, missing] of [
  [OURS, SLIMES],
  [SLIMES, OURS],
] as const) {
  test(`E3-08 where only ${there.apiVersion} is installed, its fences lack nothing`, async (t) => {
    const { server, store, settled, snapshots, troubles } = await openStore(t, (fake) => {
      fake.uninstall(missing);
      fake.put(there, fence());
    });
    assert.deepEqual(
      store
        .snapshot()
        .of(SERVICE_FENCE)
        .map(({ apiVersion }) => apiVersion),
      [there.apiVersion],
    );
    assert.equal(await store.writeStatus(OWNER, STATUS), undefined);
    assert.deepEqual(server.get(there, FENCE)?.status, STATUS);
    assert.equal(await store.apply(create), undefined);
    server.put(there, fence({}, { namespace: "test1", name: "later" }));
    await settled(() => snapshots() > 0);
    assert.equal(store.snapshot().of(SERVICE_FENCE).length, 2);
    assert.deepEqual(
      troubles.map(({ code }) => code),
      ["KUBERNETES_NOT_FOUND"],
    );
  });
}
