import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessLogEntry } from "@fenceline/als";
import { formatFenceKey } from "@fenceline/api";
import { EdgeBook } from "@fenceline/edges";
import { Learner } from "../../learner.ts";
import { CollectorMetrics } from "../../metrics.ts";
import { entryOf, meshOf, streamOf } from "../../testing/mesh.ts";
import { droppedEntries } from "../../testing/reader.ts";
import { AccessLogReader } from "./access-log-reader.ts";

const POLICY = { idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 };
const A = { namespace: "test1", name: "a" };
const TO_B: Partial<AccessLogEntry> = { upstreamCluster: "outbound|80||b.test1.svc.cluster.local" };
const OWN_PROXY = streamOf({ logName: "fenceline/test1/a", node: { istioVersion: "1.29.0" } });
const FALLBACK = streamOf({ logName: "fenceline-fallback" });

function setUp() {
  const book = new EdgeBook();
  const edges = book.open(A, POLICY);
  const mesh = meshOf();
  const metrics = new CollectorMetrics();
  const told: string[] = [];
  const clock = { now: 0 };
  const learner = new Learner({
    book,
    onLearned: (fence, host) => told.push(`${formatFenceKey(fence)} learned ${host}`),
    onTurnedAway: (fence, host) => told.push(`${formatFenceKey(fence)} has no room for ${host}`),
    onTelemetry: (fence) => told.push(`${formatFenceKey(fence)} is heard`),
  });
  const reader = new AccessLogReader(learner, {
    mesh: () => mesh,
    metrics,
    now: () => clock.now,
    onProxyVersion: (fence, version) => told.push(`${formatFenceKey(fence)} runs ${version}`),
  });
  return { reader, edges, told, clock, dropped: () => droppedEntries(metrics) };
}

test("an edge is told once, however often it is seen, and its requests are counted", () => {
  const { reader, edges, told } = setUp();
  for (let n = 0; n < 3; n += 1) reader.entries(OWN_PROXY, [entryOf(TO_B), entryOf(TO_B)]);
  assert.deepEqual(told, ["test1/a runs 1.29.0", "test1/a is heard", "test1/a learned b.test1.svc.cluster.local"]);
  assert.equal(edges.hosts()[0]?.requests, 6);
});

test("T-11 a sum of requests is believed from the fallback; an entry of a workload's own proxy counts one", () => {
  const { reader, edges } = setUp();
  reader.entries(OWN_PROXY, [entryOf({ ...TO_B, requests: 999_999_999 })]);
  assert.equal(edges.hosts()[0]?.requests, 1);
  reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/a", authority: "b.test1", requests: 40 })]);
  assert.equal(edges.hosts()[0]?.requests, 41);
});

test("T-08 a host that its fence has no room for is counted, and told", async () => {
  const { reader, edges, told, dropped } = setUp();
  edges.setPolicy({ ...POLICY, maxHosts: 1 });
  reader.entries(OWN_PROXY, [entryOf(TO_B)]);
  reader.entries(FALLBACK, [
    entryOf({ fenceSource: "test1/a", authority: "web.shop:8080" }),
    entryOf({ fenceSource: "test1/a", authority: "b.test1" }),
  ]);
  assert.deepEqual(told.slice(-2), ["test1/a learned b.test1.svc.cluster.local", "test1/a has no room for web.shop.svc.cluster.local"]);
  assert.deepEqual(await dropped(), { at_capacity: 1 });
});

test("an entry of a request that still goes on keeps the edge and counts no request", () => {
  const { reader, edges } = setUp();
  reader.entries(OWN_PROXY, [entryOf({ ...TO_B, intermediate: true })]);
  assert.equal(edges.hosts()[0]?.requests, 0);
});

test("what the fallback reports teaches, but is no telemetry of the workload's own proxies", () => {
  const { reader, edges } = setUp();
  reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/a", authority: "b.test1" })]);
  assert.deepEqual(
    edges.hosts().map(({ host }) => host),
    ["b.test1.svc.cluster.local"],
  );
  assert.equal(edges.observedUntil, undefined);
});

test("a host that is used only while the fallback's reports arrive does not age: nobody watched the direct calls", () => {
  const { reader, edges, clock } = setUp();
  reader.entries(OWN_PROXY, [entryOf(TO_B)]);
  for (; clock.now < 10_000; clock.now += 10) reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/a", authority: "web.shop:8080" })]);
  assert.deepEqual(edges.age(), []);
});

test("an edge whose first answer is 403 is not learned; a known one stays in use", async () => {
  const { reader, edges, dropped } = setUp();
  reader.entries(OWN_PROXY, [entryOf({ ...TO_B, responseCode: 403 })]);
  assert.equal(edges.size, 0);
  assert.deepEqual(await dropped(), { denied: 1 });
  reader.entries(OWN_PROXY, [entryOf(TO_B), entryOf({ ...TO_B, responseCode: 403 })]);
  assert.equal(edges.hosts()[0]?.requests, 2);
});

test("an edge that was refused by way of the fallback is learned: the refusal was the fallback's", () => {
  const { reader, edges, told } = setUp();
  reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/a", authority: "b.test1", responseCode: 403 })]);
  assert.deepEqual(told, ["test1/a learned b.test1.svc.cluster.local"]);
  const upstreamCluster = "outbound|80||global-sidecar.mesh-operator.svc.cluster.local";
  reader.entries(OWN_PROXY, [entryOf({ upstreamCluster, authority: "web.shop:8080", responseCode: 403 })]);
  assert.equal(edges.size, 2);
});

test("one entry that says nothing does not cost the rest of its message", async () => {
  const { reader, edges, dropped } = setUp();
  reader.entries(OWN_PROXY, [entryOf({ authority: "ghost" }), entryOf(TO_B), entryOf({ upstreamCluster: "inbound|80||" })]);
  assert.equal(edges.size, 1);
  assert.deepEqual(await dropped(), { unknown_destination: 2 });
});

test("random hosts grow neither the book nor the metrics", async () => {
  const { reader, edges, dropped } = setUp();
  for (let n = 0; n < 10_000; n += 1)
    reader.entries(OWN_PROXY, [entryOf({ authority: `h${n}.test1`, upstreamCluster: `outbound|80||h${n}.x` })]);
  assert.equal(edges.size, 0);
  assert.deepEqual(await dropped(), { unknown_destination: 10_000 });
});
