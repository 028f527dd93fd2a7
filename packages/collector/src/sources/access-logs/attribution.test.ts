import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessLogEntry } from "@fenceline/als";
import { SERVICE_FENCE } from "@fenceline/api";
import { CAPTURED_MESH, changesOf, entryOf, streamOf } from "../../testing/mesh.ts";
import { startReader } from "../../testing/reader.ts";

const fence = (name: string, labels: string, spec = "") =>
  `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: test1}, spec: {enable: true, workloadSelector: {labels: ${labels}}${spec}}}`;
const A = { namespace: "test1", name: "a" };
const A2 = { namespace: "test1", name: "a2" };
const V1 = { namespace: "test1", name: "v1" };
const B: Partial<AccessLogEntry> = { upstreamCluster: "outbound|80||b.test1.svc.cluster.local", authority: "b" };
const FALLBACK_CLUSTER = "outbound|80||global-sidecar.mesh-operator.svc.cluster.local";
const B_BY_FALLBACK: Partial<AccessLogEntry> = { upstreamCluster: FALLBACK_CLUSTER, authority: "b" };
const WEB: Partial<AccessLogEntry> = { upstreamCluster: "outbound|8080||web.shop.svc.cluster.local" };

/**
 * Fence `a` is for pods with `app: a`, and so is `a2`; `v1` for those of them with `version: v1`.
 */
const MESH = `${CAPTURED_MESH}---\n${fence("a2", "{app: a}")}\n---\n${fence("v1", "{app: a, version: v1}")}\n`;
const start = () => startReader(MESH, [A, A2, V1]);
const nodeOf = (labels: Readonly<Record<string, string>>) => ({ id: "sidecar~10.77.1.3~a.test1~x", namespace: "test1", labels });
const of = (logName: string, labels: Readonly<Record<string, string>> = { app: "a" }) => streamOf({ logName, node: nodeOf(labels) });
const FALLBACK = streamOf({ logName: "fenceline-fallback" });
const entries = (count: number, fields: Partial<AccessLogEntry>) => Array.from({ length: count }, () => entryOf(fields));

test("T-31 what a pod's own access log tells each fence that selects the pod learns in full, and each is observed", () => {
  const { reader, pages, seen } = start();
  reader.entries(of("http_envoy_accesslog"), [...entries(3, B), ...entries(2, WEB)]);
  assert.deepEqual(seen(), [["b.test1 ×3", "web.shop ×2"], ["b.test1 ×3", "web.shop ×2"], []]);
  reader.entries(of("http_envoy_accesslog", { app: "a", version: "v1" }), entries(1, B));
  assert.deepEqual(seen()[2], ["b.test1 ×1"]);
  assert.deepEqual(
    pages.map(({ observedUntil }) => observedUntil),
    [0, 0, 0],
  );
});

test("T-31 the loggers of two fences for the same pods tell of the same calls: each fence learns them once, in whatever order they come", () => {
  const a = of("fenceline/test1/a");
  const a2 = of("fenceline/test1/a2");
  for (const order of [
    [a, a2],
    [a2, a],
    [a, a2, of("http_envoy_accesslog")],
  ]) {
    const { reader, seen } = start();
    for (let round = 0; round < 3; round += 1) for (const stream of order) reader.entries(stream, entries(4, B));
    assert.deepEqual(seen().slice(0, 2), [["b.test1 ×12"], ["b.test1 ×12"]]);
  }
});

test("T-31 a fence without a logger of its own learns by the other's, and is not observed by it: it may have more pods", () => {
  const { reader, pages, seen } = start();
  reader.entries(of("fenceline/test1/a", { app: "a", version: "v1" }), entries(4, B));
  assert.deepEqual(seen(), [["b.test1 ×4"], ["b.test1 ×4"], ["b.test1 ×4"]]);
  assert.deepEqual(
    pages.map(({ observedUntil }) => observedUntil),
    [0, undefined, undefined],
  );
});

test("T-31 what the fallback reports for one fence the others that take all of its pods learn too", () => {
  const { reader, seen } = start();
  reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/a", authority: "b", requests: 40 })]);
  reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/v1", authority: "web.shop:8080", requests: 2 })]);
  assert.deepEqual(seen(), [["b.test1 ×40", "web.shop ×2"], ["b.test1 ×40", "web.shop ×2"], ["web.shop ×2"]]);
});

test("T-31 a call by way of the fallback is told by the proxy and by the fallback, and counts once", () => {
  const own = of("fenceline/test1/a");
  const report = (requests: number) => [entryOf({ fenceSource: "test1/a", authority: "b.test1", requests })];
  const { reader, clock, seen } = start();
  reader.entries(own, entries(5, B_BY_FALLBACK));
  reader.entries(FALLBACK, report(5));
  assert.deepEqual(seen()[0], ["b.test1 ×5"]);
  reader.entries(FALLBACK, report(3));
  reader.entries(own, entries(3, B_BY_FALLBACK));
  assert.deepEqual(seen()[0], ["b.test1 ×8"]);
  // Direct calls are others, and so are those that one of the two has not told of.
  reader.entries(own, entries(10, B));
  reader.entries(FALLBACK, report(1));
  assert.deepEqual(seen()[0], ["b.test1 ×19"]);
  // The proxy's logs were away for long: what the fallback told then is not set against its calls.
  clock.now = 300_000;
  reader.entries(own, entries(2, B_BY_FALLBACK));
  assert.deepEqual(seen()[0], ["b.test1 ×21"]);
});

test("T-31 a fence that does not learn takes nothing from the others for the same pods", async () => {
  const { reader, seen, dropped } = startReader(MESH, [A2]);
  reader.entries(of("http_envoy_accesslog"), entries(3, B));
  reader.entries(FALLBACK, [entryOf({ fenceSource: "test1/a", authority: "web.shop:8080" })]);
  assert.deepEqual([seen(), await dropped()], [[["b.test1 ×3", "web.shop ×1"]], {}]);
});

test("T-31 another pod of the namespace that speaks in a fence's name speaks for that fence alone, and nobody's for another namespace", () => {
  const { reader, seen } = start();
  reader.entries(of("fenceline/test1/v1", { app: "other" }), entries(1, B));
  assert.deepEqual(seen(), [[], [], ["b.test1 ×1"]]);
  reader.entries(streamOf({ logName: "fenceline/test1/v1", node: { namespace: "test2", labels: { app: "a" } } }), entries(1, WEB));
  assert.deepEqual(seen(), [[], [], ["b.test1 ×1", "web.shop ×1"]]);
});

test("T-31 a fence that comes to the same pods later hears from then on, on the streams that are open", () => {
  const { reader, mesh, seen } = startReader(CAPTURED_MESH, [A, A2]);
  const stream = of("http_envoy_accesslog");
  reader.entries(stream, entries(2, B));
  assert.deepEqual(seen(), [["b.test1 ×2"], []]);
  const after = startReader(MESH).mesh.fence(A2);
  const changes = changesOf(SERVICE_FENCE, [{ before: undefined, after }]);
  mesh.apply({ ...changes, defaultSidecars: [], meshConfigs: [], disturbed: [], foreign: [], faults: [] }, {});
  reader.entries(stream, entries(2, B));
  assert.deepEqual(seen(), [["b.test1 ×4"], ["b.test1 ×2"]]);
});
