import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgeBook, type Sighting } from "@fenceline/edges";
import { type Level, pino } from "pino";
import { Learner } from "../../learner.ts";
import { CollectorMetrics } from "../../metrics.ts";
import { entryOf, meshOf, streamOf } from "../../testing/mesh.ts";
import { AccessLogReader } from "./access-log-reader.ts";
import { DecisionLog } from "./decision-log.ts";

const A = { namespace: "test1", name: "a" };
const TO_B = { upstreamCluster: "outbound|80||b.test1.svc.cluster.local", requestId: "id-1" };
const OWN_PROXY = streamOf({ logName: "fenceline/test1/a" });
const FALLBACK = streamOf({ logName: "fenceline-fallback" });

function setUp(level: Level, maxHosts = 10) {
  const book = new EdgeBook();
  book.open(A, { idleWindow: 1_000, maxHosts, maxRemovedShare: 1 });
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 0 };
  const logger = pino({ level, base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  const decisions = DecisionLog.of(logger, () => clock.now);
  const mesh = meshOf();
  const nothing = () => {};
  const onEvicted = (host: string, by: Sighting) => decisions?.evicted(host, by);
  const learner = new Learner({ book, onLearned: nothing, onTelemetry: nothing, onEvicted });
  const options = { mesh: () => mesh, metrics: new CollectorMetrics(), now: () => clock.now, decisions, onProxyVersion: nothing };
  const reader = new AccessLogReader(learner, options);
  const take = () => lines.splice(0).map(({ level: _level, ...line }) => line);
  return { reader, decisions, clock, take };
}

test("T-52 at level debug every entry has one line: which edge it is of, or why it taught nothing", () => {
  const { reader, take } = setUp("debug");
  reader.entries(OWN_PROXY, [
    entryOf(TO_B),
    entryOf({ authority: "elsewhere.example", responseCode: 404 }),
    entryOf({ ...TO_B, intermediate: true }),
  ]);
  const fence = "test1/a";
  const b = {
    fence,
    host: "b.test1.svc.cluster.local",
    port: 80,
    cluster: TO_B.upstreamCluster,
    status: 200,
    requestId: "id-1",
    msg: "edge seen",
  };
  assert.deepEqual(take(), [
    { ...b, requests: 1 },
    { reason: "unknown_destination", fence, authority: "elsewhere.example", status: 404, msg: "entry dropped" },
    { ...b, requests: 0 },
  ]);
  reader.entries(FALLBACK, [
    entryOf({ fenceSource: "test1/nobody", authority: "b.test1" }),
    // A report is made when the call is forwarded: there is no answer yet, and "status 0" would
    // look like one.
    entryOf({ fenceSource: fence, authority: "b.test1", responseCode: 0 }),
  ]);
  assert.deepEqual(
    take().map(({ msg, reason, sourceHeader, via, status }) => [msg, reason, sourceHeader, via, status]),
    [
      ["entry dropped", "unknown_source", "test1/nobody", "fallback", 200],
      ["edge seen", undefined, undefined, "fallback", undefined],
    ],
  );
  reader.entries(streamOf({ logName: "x", peer: "10.0.0.1:5", node: { id: "n" } }), [entryOf(TO_B), entryOf(TO_B)]);
  assert.deepEqual(take(), [
    { reason: "unknown_source", logName: "x", peer: "10.0.0.1:5", node: "n", namespace: "", count: 2, msg: "entries dropped" },
  ]);
});

test("T-52 a host that makes room for another is told, with its successor, and the request id of the call where there is one", () => {
  const { reader, clock, take } = setUp("debug", 1);
  reader.entries(OWN_PROXY, [entryOf(TO_B)]);
  for (; clock.now < 3_000; clock.now += 25) reader.entries(OWN_PROXY, [entryOf({ authority: "elsewhere.example" })]);
  take();
  reader.entries(OWN_PROXY, [entryOf({ authority: "web.shop:8080", requestId: "id-2" })]);
  const [fence, b, web] = ["test1/a", "b.test1.svc.cluster.local", "web.shop.svc.cluster.local"];
  const evicted = () => take().filter(({ msg }) => msg === "host evicted");
  assert.deepEqual(evicted(), [{ fence, host: b, by: web, requestId: "id-2", msg: "host evicted" }]);
  for (; clock.now < 6_000; clock.now += 25) reader.entries(OWN_PROXY, [entryOf({ authority: "elsewhere.example" })]);
  reader.entries(OWN_PROXY, [entryOf({ authority: "b.test1" })]);
  assert.deepEqual(evicted(), [{ fence, host: web, by: b, msg: "host evicted" }]);
});

test("T-52 at any other level there is no such log, and so nothing is built for it", () => {
  for (const level of ["info", "warn", "error"] as const) assert.equal(setUp(level).decisions, undefined);
});

test("T-52 a flood of entries has a hundred lines a second, says within a second how many were left out, and takes none of others' lines", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { reader, clock, take } = setUp("debug");
  const flood = () =>
    reader.entries(
      OWN_PROXY,
      Array.from({ length: 5_000 }, () => entryOf({})),
    );
  flood();
  assert.equal(take().length, 100);
  reader.entries(OWN_PROXY, [entryOf(TO_B)]);
  assert.deepEqual(
    take().map(({ msg }) => msg),
    ["edge seen"],
  );
  t.mock.timers.tick(1_000);
  assert.deepEqual(take(), [{ line: "entry dropped", of: "test1/a", suppressed: 4_900, msg: "lines left out" }]);
  clock.now += 1_000;
  flood();
  assert.equal(take().length, 100);
});

test("T-52 many fences together have a thousand lines a second, and what is left out is told within a second", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { decisions, take } = setUp("debug");
  for (let fence = 0; fence < 50; fence += 1)
    for (let line = 0; line < 150; line += 1)
      decisions?.dropped("unknown_destination", entryOf({}), { namespace: "evil", name: `f${fence}` });
  assert.equal(take().length, 1_000);

  t.mock.timers.tick(1_000);

  const leftOut = take();
  assert.equal(leftOut.length, 50);
  assert.equal(
    leftOut.reduce((all, { suppressed }) => all + Number(suppressed), 0),
    6_500,
  );
});
