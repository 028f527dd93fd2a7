import assert from "node:assert/strict";
import { test } from "node:test";
import { automaticFence, SERVICE_FENCE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { RecordedRequest } from "@fenceline/kubernetes/testing";
import { service } from "@fenceline/kubernetes/testing";
import { FENCE, FENCE_UID, fence } from "./testing/rendered-objects.ts";
import { SERVICE_FENCES, SERVICES } from "./testing/resources.ts";
import { openStore } from "./testing/store-under-test.ts";

const [OURS, SLIMES] = SERVICE_FENCES as [(typeof SERVICE_FENCES)[number], (typeof SERVICE_FENCES)[number]];
const MADE = {
  metadata: {
    ...FENCE,
    uid: FENCE_UID,
    labels: { "app.kubernetes.io/created-by": "fence-controller", "app.kubernetes.io/managed-by": "fenceline" },
  },
};
const isDelete = ({ method }: RecordedRequest) => method === "DELETE";

test("an automatic fence is Slime's, to the letter, and the next snapshot has it", async (t) => {
  const { server, store } = await openStore(t);
  assert.equal(await store.fences.create(automaticFence(FENCE, "Enforce")), true);
  const made = server.get(OURS, FENCE);
  assert.deepEqual(made?.metadata.labels, {
    "app.kubernetes.io/created-by": "fence-controller",
    "app.kubernetes.io/managed-by": "fenceline",
  });
  assert.deepEqual(made?.spec, { enable: true, workloadSelector: { fromService: true } });
  assert.deepEqual(
    store
      .snapshot()
      .of(SERVICE_FENCE)
      .map((found) => [found.metadata.name, found.metadata.uid]),
    [["a", made?.metadata.uid]],
  );
  assert.equal(await store.fences.create(automaticFence({ ...FENCE, name: "b" }, "Observe")), true);
  assert.deepEqual(server.get(OURS, { ...FENCE, name: "b" })?.spec, {
    enable: true,
    mode: "Observe",
    workloadSelector: { fromService: true },
  });
});

test("a fence that exists is left as it is", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence({ spec: { mode: "Observe" } })));
  assert.equal(await store.fences.create(automaticFence(FENCE, "Enforce")), false);
  assert.deepEqual(server.get(OURS, FENCE)?.spec, { mode: "Observe" });
});

for (const group of [OURS, SLIMES])
  test(`an automatic fence of ${group.apiVersion} is deleted, and the next snapshot has it no more`, async (t) => {
    const { server, store } = await openStore(t, (fake) => fake.put(group, fence(MADE)));
    assert.equal(await store.fences.delete(FENCE, FENCE_UID), true);
    assert.equal(server.get(group, FENCE), undefined);
    assert.deepEqual(store.snapshot().of(SERVICE_FENCE), []);
  });

test("a person who takes the label off at the moment of the delete keeps the fence", async (t) => {
  const { server, store, clock } = await openStore(t, (fake) => fake.put(OURS, fence(MADE)));
  const adopt = (request: RecordedRequest) => {
    if (isDelete(request)) server.put(OURS, fence());
    return false;
  };
  server.answer(adopt);
  const results: boolean[] = [];
  const deleting = store.fences.delete(FENCE, FENCE_UID).then((result) => results.push(result));
  await until(() => {
    clock.advance(1);
    return results.length > 0;
  });
  await deleting;
  assert.deepEqual(results, [false]);
  assert.ok(server.get(OURS, FENCE));
  assert.equal(server.count("DELETE"), 1);
});

test("another fence that took the name stays", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence(MADE)));
  assert.equal(await store.fences.delete(FENCE, "another-uid"), false);
  assert.equal(server.count("DELETE"), 0);
  assert.equal(store.snapshot().of(SERVICE_FENCE).length, 1);
});

test("a fence that is gone already is as good as deleted, and not counted", async (t) => {
  const { server, store } = await openStore(t, (fake) => fake.put(OURS, fence(MADE)));
  server.answer(({ method, path }) => method === "GET" && path.endsWith("/servicefences/a"), { status: 404, body: { code: 404 } });
  assert.equal(await store.fences.delete(FENCE, FENCE_UID), false);
  assert.deepEqual(store.snapshot().of(SERVICE_FENCE), []);
});

test("whoever does not lead, or lacks the right, writes nothing and says so", async (t) => {
  const { server, store, leadership } = await openStore(t, (fake) => fake.put(OURS, fence(MADE)));
  server.forbid(OURS, "POST", "DELETE");
  const other = automaticFence({ ...FENCE, name: "b" }, "Enforce");
  await assert.rejects(store.fences.create(other), /KUBERNETES_FORBIDDEN/);
  await assert.rejects(store.fences.delete(FENCE, FENCE_UID), /KUBERNETES_FORBIDDEN/);
  leadership.lose();
  await assert.rejects(store.fences.create(other), /NOT_LEADER/);
  await assert.rejects(store.fences.delete(FENCE, FENCE_UID), /NOT_LEADER/);
  assert.ok(server.get(OURS, FENCE));
});

test("what is not in the snapshot does not exist, unless its kind cannot be listed, or it is not valid", async (t) => {
  const bad = { ...FENCE, name: "bad" };
  const { server, store, settled } = await openStore(t, (fake) => fake.put(OURS, { ...fence({}, bad), spec: { enabel: true } }));
  assert.deepEqual([store.isKnown(FENCE), store.isKnown(bad)], [true, false]);
  server.put(SERVICES, { ...service("odd"), spec: { ports: [{ port: "http" }] } });
  await settled(() => !store.isKnown({ namespace: "shop", name: "odd" }));
  assert.equal(store.isKnown(FENCE), true);
});

test("a group of fences that is not installed leaves no doubt; one that may not be listed does, and Services too", async (t) => {
  const { store } = await openStore(t, (fake) => void fake.uninstall(SLIMES));
  assert.equal(store.isKnown(FENCE), true);
  for (const kind of [SLIMES, SERVICES]) {
    const { store: other } = await openStore(t, (fake) => void fake.forbid(kind, "GET"));
    await until(() => other.health().some(({ state }) => state === "unavailable"));
    assert.equal(other.isKnown(FENCE), false);
  }
});
