import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sidecar } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes";
import type { FakeApiServer, ManualClock } from "@fenceline/kubernetes/testing";
import { envoyFilter, FENCE, fence, OWNER, sidecar } from "./testing/rendered-objects.ts";
import { SERVICE_FENCES, SIDECARS } from "./testing/resources.ts";
import { openStore, openStoreOn } from "./testing/store-under-test.ts";

const [OURS] = SERVICE_FENCES as [Resource, Resource];

const widening = (...hosts: readonly string[]) => ({ action: "update", owner: OWNER, object: sidecar(...hosts) }) as const;

function hosts(server: FakeApiServer): readonly string[] | undefined {
  return (server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined)?.spec.egress[0]?.hosts;
}

/** A leader that has rendered a fence, and a replica that follows. */
async function leaderAndFollower(t: Parameters<typeof openStore>[0]) {
  const leader = await openStore(t, (fake) => fake.put(OURS, fence()));
  await leader.store.apply({ action: "create", owner: OWNER, object: sidecar("x/*") });
  const follower = await openStoreOn(t, leader.server);
  follower.leadership.lose();
  const writes = leader.server.count("PATCH");
  return { server: leader.server, leader, follower, writes: () => leader.server.count("PATCH") - writes };
}

/** What a write gives in the end, letting pauses after conflicts pass. */
async function finished<T>(write: Promise<T>, replicas: readonly { readonly clock: ManualClock }[]): Promise<T> {
  let isDone = false;
  void write.finally(() => {
    isDone = true;
  });
  await until(() => {
    for (const { clock } of replicas) clock.advance(100);
    return isDone;
  });
  return write;
}

test("a replica that does not lead adds a host, in one write, and it is in its store at once", async (t) => {
  const { server, follower, writes } = await leaderAndFollower(t);
  assert.equal(await follower.store.sidecars.widen(widening("x/*", "y/*")), undefined);
  assert.deepEqual(hosts(server), ["x/*", "y/*"]);
  assert.deepEqual(follower.store.ownedBy(OWNER), [sidecar("x/*", "y/*")]);
  assert.equal(writes(), 1);
  await follower.store.sidecars.widen(widening("y/*"));
  assert.deepEqual([hosts(server), writes()], [["x/*", "y/*"], 1]);
});

test("issue 14: whoever adds a host is told when there was something to add, and not when it was there", async (t) => {
  const { follower } = await leaderAndFollower(t);
  const added: string[] = [];
  for (const host of ["y/*", "x/*", "y/*", "z/*"]) await follower.store.sidecars.widen(widening(host), () => void added.push(host));
  assert.deepEqual(added, ["y/*", "z/*"]);
});

test("a leader that wants the same has nothing to write", async (t) => {
  const { server, leader, follower, writes } = await leaderAndFollower(t);
  await follower.store.sidecars.widen(widening("a/*", "x/*"));
  await until(() => JSON.stringify(leader.store.ownedBy(OWNER)).includes("a/*"));
  await leader.store.apply(widening("a/*", "x/*"));
  assert.deepEqual([hosts(server), writes()], [["a/*", "x/*"], 1]);
});

test("nothing is taken away, and what else a Sidecar has stays", async (t) => {
  const { server, follower } = await leaderAndFollower(t);
  const other = sidecar("y/*");
  const object = { ...other, spec: { ...other.spec, workloadSelector: { labels: { app: "other" } } } };
  await follower.store.sidecars.widen({ ...widening(), object });
  assert.deepEqual(hosts(server), ["y/*", "x/*"]);
  const { spec, metadata } = server.get(SIDECARS, FENCE) as unknown as Sidecar;
  assert.deepEqual([spec.workloadSelector.labels, metadata.ownerReferences], [{ app: "a" }, sidecar().metadata.ownerReferences]);
});

test("replicas that add at the same time lose nothing of each other: whoever comes second adds to what the first made", async (t) => {
  const { server, follower, writes } = await leaderAndFollower(t);
  const others = await Promise.all([openStoreOn(t, server), openStoreOn(t, server)]);
  for (const { leadership } of others) leadership.lose();
  const replicas = [follower, ...others];
  const all = Promise.all(replicas.map(({ store }, which) => store.sidecars.widen(widening("x/*", `h${which}/*`))));
  assert.deepEqual(await finished(all, replicas), [undefined, undefined, undefined]);
  assert.deepEqual(hosts(server)?.toSorted(), ["h0/*", "h1/*", "h2/*", "x/*"]);
  assert.ok(writes() <= 6, `${writes()} writes for three hosts`);
});

test("a leader that writes what it planned before takes nothing away that a replica has added meanwhile", async (t) => {
  const { server, leader, follower } = await leaderAndFollower(t);
  const both = Promise.all([follower.store.sidecars.widen(widening("x/*", "y/*")), leader.store.apply(widening("x/*", "z/*"))]);
  assert.deepEqual(await finished(both, [leader, follower]), [undefined, undefined]);
  assert.ok(hosts(server)?.includes("y/*"), String(hosts(server)));
});

test("the store tells when a replica has added to a Sidecar, until the leader writes it again", async (t) => {
  const { leader, follower } = await leaderAndFollower(t);
  const { sidecars } = leader.store;
  const begin = Date.now();
  assert.equal(sidecars.widenedAt(OWNER), undefined);
  await follower.store.sidecars.widen(widening("x/*", "y/*"));
  const at = await until(() => sidecars.widenedAt(OWNER));
  assert.ok(at >= begin && at <= Date.now());
  await leader.store.apply(widening("z/*"));
  assert.equal(sidecars.widenedAt(OWNER), undefined);
});

test("nothing is made: neither a Sidecar that is not there, nor one that was deleted a moment ago, nor an EnvoyFilter", async (t) => {
  const { server, follower, writes } = await leaderAndFollower(t);
  server.remove(SIDECARS, FENCE);
  assert.equal(await finished(follower.store.sidecars.widen(widening("y/*")), [follower]), undefined);
  await until(() => follower.store.ownedBy(OWNER).length === 0);
  const before = writes();
  assert.equal(await follower.store.sidecars.widen(widening("y/*")), undefined);
  assert.equal(await follower.store.sidecars.widen({ ...widening(), object: envoyFilter() }), undefined);
  assert.deepEqual([hosts(server), writes()], [undefined, before]);
});

test("a Sidecar of somebody else is left alone, and named", async (t) => {
  const { server, store, leadership } = await openStore(t, (fake) => {
    fake.put(OURS, fence());
    fake.put(SIDECARS, { metadata: FENCE, spec: { egress: [{ hosts: ["z/*"] }] } });
  });
  leadership.lose();
  const obstacle = await store.sidecars.widen(widening("y/*"));
  assert.equal(obstacle?.reason, "Conflict");
  assert.deepEqual(hosts(server), ["z/*"]);
});

test("a right that is missing stands in the way as it does for the leader", async (t) => {
  const { server, follower } = await leaderAndFollower(t);
  server.forbid(SIDECARS, "PATCH");
  assert.equal((await follower.store.sidecars.widen(widening("y/*")))?.reason, "WriteForbidden");
});
