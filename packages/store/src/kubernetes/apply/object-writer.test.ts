import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { pauseAskedBy, type RenderedObject } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { WireObject } from "@fenceline/kubernetes";
import { FakeApiServer, ManualClock, type RecordedRequest } from "@fenceline/kubernetes/testing";
import { FENCE, OWNER, sidecar } from "../testing/rendered-objects.ts";
import { SIDECARS } from "../testing/resources.ts";
import { ManualLeadership } from "../testing/store-under-test.ts";
import { readLiveObject } from "./live-object.ts";
import { type Known, ObjectWriter } from "./object-writer.ts";

const isPatch = ({ method }: RecordedRequest) => method === "PATCH";
const foreign = (spec: object, metadata: object = {}) => ({ metadata: { ...FENCE, ...metadata }, spec });

async function writerOn(t: TestContext) {
  const server = await FakeApiServer.start(t);
  const clock = new ManualClock();
  const leadership = new ManualLeadership();
  const writer = new ObjectWriter({ api: server.api(t, { clock }), clock, leadership });
  /** The object as an informer has it that is up to date. */
  const known = (): Known | undefined => {
    const object = server.get(SIDECARS, FENCE);
    if (object === undefined) return undefined;
    const { managedFields: _dropped, ...metadata } = object.metadata;
    const wire: WireObject = { ...object, metadata };
    return { live: readLiveObject("Sidecar", wire), resourceVersion: metadata.resourceVersion };
  };
  const apply = async (desired: RenderedObject, seen = known()) => (await writer.apply(SIDECARS, OWNER, desired, seen)).result;
  const remove = async (seen = known()) => (await writer.delete(SIDECARS, OWNER, { kind: "Sidecar", ...FENCE }, seen)).result;
  const spec = () => server.get(SIDECARS, FENCE)?.spec;
  return { server, clock, leadership, writer, known, apply, remove, spec };
}

test("an object is made by server-side apply, as fenceline, and without force", async (t) => {
  const { server, apply, spec } = await writerOn(t);
  assert.equal(await apply(sidecar("x/*")), "created");
  assert.deepEqual(spec(), sidecar("x/*").spec);
  const [patch] = server.requests.filter(isPatch);
  assert.equal(patch?.query.get("fieldManager"), "fenceline");
  assert.equal(patch?.query.get("force"), null);
});

test("E3-09 an object that is as desired is not written, also after a restart, and whatever labels others gave it", async (t) => {
  const { server, known, apply } = await writerOn(t);
  await apply(sidecar("x/*"));
  const object = server.get(SIDECARS, FENCE);
  server.put(SIDECARS, { ...object, metadata: { ...object?.metadata, labels: { ...object?.metadata.labels, team: "shop" } } });
  const restarted = new ObjectWriter({ api: server.api(t), clock: new ManualClock(), leadership: new ManualLeadership() });
  const writes = server.count("PATCH");
  assert.equal((await restarted.apply(SIDECARS, OWNER, sidecar("x/*"), known())).result, "unchanged");
  assert.equal(await apply(sidecar("x/*")), "unchanged");
  assert.equal(server.count("PATCH"), writes);
  const live = known()?.live;
  assert.deepEqual(live === undefined ? undefined : restarted.wanted(live), sidecar("x/*"));
});

test("E3-02 a field that somebody changed by hand is changed back", async (t) => {
  const { server, clock, apply, spec } = await writerOn(t);
  await apply(sidecar("x/*"));
  server.put(SIDECARS, { ...server.get(SIDECARS, FENCE), spec: sidecar("evil/*").spec });
  clock.advance(60_000);
  assert.equal(await apply(sidecar("x/*")), "updated");
  assert.deepEqual(spec(), sidecar("x/*").spec);
});

test("E3-02 a field that somebody added to the spec by hand is removed", async (t) => {
  const { server, clock, apply, spec } = await writerOn(t);
  await apply(sidecar("x/*"));
  server.put(SIDECARS, {
    ...server.get(SIDECARS, FENCE),
    spec: { ...sidecar("x/*").spec, outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } },
  });
  clock.advance(60_000);
  assert.equal(await apply(sidecar("x/*")), "updated");
  assert.deepEqual(spec(), sidecar("x/*").spec);
});

test("E3-02 an object that somebody deleted by hand is made again", async (t) => {
  const { server, clock, apply, known, spec } = await writerOn(t);
  await apply(sidecar("x/*"));
  const seen = known();
  server.remove(SIDECARS, FENCE);
  const writing = apply(sidecar("x/*", "y/*"), seen);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal(await writing, "created");
  assert.deepEqual(spec(), sidecar("x/*", "y/*").spec);
});

test("E3-02 a Sidecar without our label is a conflict, and stays as it is", async (t) => {
  const { server, writer, known, spec } = await writerOn(t);
  server.put(SIDECARS, foreign({ egress: [{ hosts: ["./*"] }] }));
  const outcome = await writer.apply(SIDECARS, OWNER, sidecar("x/*"), known());
  assert.equal(outcome.result, "conflict");
  assert.equal(outcome.result === "conflict" && outcome.conflict.reason, "NotManagedByFenceline");
  assert.deepEqual(spec(), { egress: [{ hosts: ["./*"] }] });
  assert.equal(server.count("PATCH"), 0);
});

for (const [what, ownerReferences] of [
  ["nobody", []],
  ["another fence", [{ apiVersion: "v1", kind: "ServiceFence", name: "other", uid: "2", controller: true }]],
  ["another kind", [{ apiVersion: "apps/v1", kind: "Deployment", name: "a", uid: "2", controller: true }]],
] as const) {
  test(`E3-02 a Sidecar with our label that belongs to ${what} is a conflict, for a write and for a delete`, async (t) => {
    const { server, writer, apply, remove, known, spec } = await writerOn(t);
    server.put(SIDECARS, foreign({}, { labels: { "app.kubernetes.io/managed-by": "fenceline" }, ownerReferences }));
    const outcome = await writer.apply(SIDECARS, OWNER, sidecar("x/*"), known());
    assert.equal(outcome.result === "conflict" && outcome.conflict.reason, "OwnedByAnother");
    assert.equal(await apply(sidecar("x/*")), "conflict");
    assert.equal(await remove(), "conflict");
    assert.deepEqual(spec(), {});
  });
}

test("E3-01 a Sidecar that somebody makes while we make ours is a conflict, and stays as it is", async (t) => {
  const { server, clock, writer, spec } = await writerOn(t);
  server.answer(({ method }) => method === "GET", { status: 404, body: { code: 404 } });
  server.put(SIDECARS, foreign({ egress: [{ hosts: ["./*"] }] }));
  const writing = writer.apply(SIDECARS, OWNER, sidecar("x/*"), undefined);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal((await writing).result, "conflict");
  assert.deepEqual(spec(), { egress: [{ hosts: ["./*"] }] });
});

test("E3-01 where apply would merge into such a Sidecar without a conflict, what was added is taken back", async (t) => {
  const { server, writer } = await writerOn(t);
  server.answer(({ method }) => method === "GET", { status: 404, body: { code: 404 } });
  server.put(SIDECARS, foreign({ outboundTrafficPolicy: { mode: "ALLOW_ANY" } }));
  assert.equal((await writer.apply(SIDECARS, OWNER, sidecar("x/*"), undefined)).result, "conflict");
  assert.equal(server.count("PATCH"), 2);
  const object = server.get(SIDECARS, FENCE);
  assert.deepEqual(object?.spec, { outboundTrafficPolicy: { mode: "ALLOW_ANY" } });
  assert.equal(object?.metadata.labels, undefined);
});

test("E3-01 an object that changed since it was seen is looked at again before it is written", async (t) => {
  const { server, clock, apply, known, spec } = await writerOn(t);
  await apply(sidecar("x/*"));
  const seen = known();
  server.put(SIDECARS, { ...server.get(SIDECARS, FENCE), status: { note: "istiod was here" } });
  const writing = apply(sidecar("x/*", "y/*"), seen);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal(await writing, "updated");
  assert.deepEqual(spec(), sidecar("x/*", "y/*").spec);
});

test("E3-01 an object that somebody took over since it was seen is not written", async (t) => {
  const { server, clock, apply, remove, known, spec } = await writerOn(t);
  await apply(sidecar("x/*"));
  const seen = known();
  server.put(SIDECARS, {
    ...foreign({ egress: [] }),
    metadata: { ...server.get(SIDECARS, FENCE)?.metadata, labels: {}, ownerReferences: [] },
  });
  const writing = apply(sidecar("x/*", "y/*"), seen);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal(await writing, "conflict");
  const deleting = remove(seen);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal(await deleting, "conflict");
  assert.deepEqual(spec(), { egress: [] });
});

test("a delete names the uid that it means, and an object that is gone is as good", async (t) => {
  const { server, apply, remove, known } = await writerOn(t);
  await apply(sidecar("x/*"));
  const uid = known()?.live.uid;
  assert.equal(await remove(), "deleted");
  const [request] = server.requests.filter(({ method }) => method === "DELETE");
  assert.deepEqual(
    { ...(request?.body as { preconditions?: object } | undefined)?.preconditions, resourceVersion: "any" },
    { uid, resourceVersion: "any" },
  );
  assert.equal(await remove(), "absent");
});

test("E3-11 429 is answered by waiting for as long as Retry-After says, where that is a moment", async (t) => {
  const { server, clock, apply } = await writerOn(t);
  server.answer(isPatch, { status: 429, headers: { "retry-after": "1" } });
  const writing = apply(sidecar("x/*"));
  assert.equal(await clock.pauseBelow(60_000), 1_000);
  clock.advance(1_000);
  assert.equal(await writing, "created");
});

test("T-15 a 429 that asks for longer is left to the caller, with what it asks for", async (t) => {
  const { server, apply } = await writerOn(t);
  server.answer(isPatch, { status: 429, headers: { "retry-after": "7" } });
  const error = await apply(sidecar("x/*")).catch((thrown: unknown) => thrown);
  assert.equal(pauseAskedBy(error), 7_000);
});

test("E3-10 a refusal of an admission webhook reaches the caller with its words, and is not tried again", async (t) => {
  const { server, apply } = await writerOn(t);
  server.answer(isPatch, { status: 422, body: { code: 422, message: "admission webhook denied: no egress" } });
  await assert.rejects(apply(sidecar("x/*")), /KUBERNETES_INVALID.*no egress/);
  assert.equal(server.count("PATCH"), 1);
});

test("E3-09 what a webhook adds is settled with, and causes no second write", async (t) => {
  const { server, apply, known, writer } = await writerOn(t);
  server.webhook = (object) => ({ ...object, spec: { ...(object as { spec: object }).spec, ingress: [] } });
  await apply(sidecar("x/*"));
  const live = known()?.live;
  assert.deepEqual(live === undefined ? undefined : writer.wanted(live), sidecar("x/*"));
  const writes = server.count("PATCH");
  assert.equal(await apply(sidecar("x/*")), "unchanged");
  assert.equal(server.count("PATCH"), writes);
});

test("E3-09 somebody who changes our object back again and again is answered ever more slowly", async (t) => {
  const { server, clock, apply } = await writerOn(t);
  const fight = async () => {
    server.put(SIDECARS, { ...server.get(SIDECARS, FENCE), spec: sidecar("evil/*").spec });
    let waited = 0;
    for (;;) {
      const result = await apply(sidecar("x/*")).catch((error: { code: string }) => error.code);
      if (result === "updated") return waited;
      assert.equal(result, "OBJECT_CONTESTED");
      clock.advance(500);
      waited += 500;
    }
  };
  await apply(sidecar("x/*"));
  const waits: number[] = [];
  for (let rounds = 0; rounds < 7; rounds += 1) waits.push(await fight());
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.equal(await apply(sidecar("x/*", "y/*")), "updated");
});

test("E3-06 whoever does not lead writes nothing, and a write under way ends with the term", async (t) => {
  const { server, leadership, apply } = await writerOn(t);
  server.answer(isPatch, "silence");
  const writing = apply(sidecar("x/*"));
  await until(() => server.count("PATCH") === 1);
  leadership.lose();
  await assert.rejects(writing, /KUBERNETES_UNREACHABLE/);
  await assert.rejects(apply(sidecar("x/*")), /NOT_LEADER/);
  assert.equal(server.count("PATCH"), 1);
});
