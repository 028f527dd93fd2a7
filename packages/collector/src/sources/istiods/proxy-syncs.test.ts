import assert from "node:assert/strict";
import { test } from "node:test";
import type { Labels } from "@fenceline/api";
import { ProxySyncs } from "./proxy-syncs.ts";
import type { ProxySync } from "./sync-status.ts";

const A = { app: "a" };
const CDS = { type: "CDS", words: "no" };
const LDS = { type: "LDS", words: "no" };
const proxy = (name: string, refuses = false, namespace = "test1"): ProxySync => ({ name, namespace, rejections: refuses ? [LDS] : [] });

function start(labels: Readonly<Record<string, Labels | undefined>> = { "a-1": A, "b-1": { app: "b" } }) {
  const changes: (string | undefined)[] = [];
  const asked: string[] = [];
  const time = { now: 0 };
  const filters = { text: "one" };
  const syncs = new ProxySyncs({
    ownNamespace: "fenceline",
    clock: () => time.now,
    labelsOf: async (_namespace, pod) => {
      asked.push(pod);
      return labels[pod];
    },
    filtersOf: () => filters.text,
    onChange: (namespace) => changes.push(namespace),
  });
  return { syncs, time, filters, asked, changes: () => changes.splice(0), seen: () => syncs.of("test1", [A]) };
}

test("issue 16: while nobody is asked nothing is said, and before the first answer nothing is judged", () => {
  const { syncs, seen } = start();
  assert.equal(seen(), undefined);
  syncs.asks(["one"]);
  assert.equal(seen()?.view, "asked");
});

test("issue 16: a proxy that refuses is told of the pods that it is of, only its labels are asked for, and it is forgotten once it takes all", async () => {
  const { syncs, asked, changes, seen } = start();
  syncs.asks(["one"]);
  syncs.told("one", [proxy("a-1"), proxy("b-1")]);
  assert.deepEqual([seen()?.view, changes()], ["seen", [undefined, undefined]]);
  syncs.told("one", [proxy("a-1", true), proxy("b-1")]);
  assert.deepEqual(seen()?.unknown, ["a-1"], "until its labels are known");
  await syncs.idle();
  assert.deepEqual(asked, ["a-1"]);
  assert.deepEqual(seen(), { view: "seen", detail: undefined, refusing: [{ pod: "a-1", rejections: [LDS] }], forgotten: [], unknown: [] });
  assert.deepEqual(syncs.of("test1", [{ app: "b" }])?.refusing, []);
  assert.deepEqual(syncs.of("test2", [A])?.refusing, []);
  assert.deepEqual(changes(), ["test1", "test1"]);
  syncs.told("one", [proxy("a-1", true), proxy("b-1")]);
  assert.deepEqual(changes(), [], "the same says nothing new");
  syncs.told("one", [proxy("a-1")]);
  assert.deepEqual([seen()?.refusing, changes()], [[], ["test1"]]);
});

test("issue 16: a pod of which nobody can say whose it is stays unknown, and is asked for once a minute", async () => {
  const labels: Record<string, Labels | undefined> = {};
  const { syncs, time, asked, seen } = start(labels);
  syncs.asks(["one"]);
  const tell = async (now: number) => {
    time.now = now;
    syncs.told("one", [proxy("a-1", true)]);
    await syncs.idle();
  };
  await tell(0);
  assert.deepEqual([seen()?.refusing, seen()?.unknown], [[], ["a-1"]]);
  await tell(59_999);
  assert.equal(asked.length, 1);
  labels["a-1"] = A;
  await tell(60_000);
  assert.deepEqual([asked.length, seen()?.refusing.length, seen()?.unknown], [2, 1, []]);
});

test("issue 16: an istiod that tells of our own namespace alone gives no right, and one that is lost is told with the reason", () => {
  const { syncs, seen } = start();
  syncs.asks(["one", "two"]);
  syncs.told("one", [proxy("collector", false, "fenceline")]);
  assert.equal(seen()?.view, "asked");
  syncs.told("two", []);
  assert.equal(seen()?.view, "own");
  syncs.told("two", [proxy("a-1")]);
  assert.equal(seen()?.view, "seen");
  syncs.lost("one", "UNAVAILABLE");
  assert.deepEqual([seen()?.view, seen()?.detail], ["lost", "one: UNAVAILABLE"]);
  syncs.asks(["two"]);
  assert.deepEqual([seen()?.view, seen()?.detail], ["seen", undefined]);
});

test("issue 16: of an istiod that is lost what it told before stays, and goes with it", async () => {
  const { syncs, seen } = start();
  syncs.asks(["one"]);
  syncs.told("one", [proxy("a-1", true)]);
  await syncs.idle();
  syncs.lost("one", "gone");
  assert.equal(seen()?.refusing.length, 1);
  syncs.asks(["two"]);
  assert.deepEqual([seen()?.refusing, seen()?.view], [[], "asked"]);
  syncs.told("one", [proxy("a-1", true)]);
  assert.deepEqual(seen()?.refusing, [], "nobody asks it any more");
});

test("issue 16: what istiod forgets with the next clusters stands on, until EnvoyFilters changed and were sent, or the proxy has connected anew", async () => {
  const { syncs, time, filters, changes, seen } = start();
  const refusing: ProxySync = { ...proxy("a-1"), rejections: [CDS] };
  const forgotten = [{ pod: "a-1", rejections: [CDS] }];
  const tell = async (now: number, ...proxies: ProxySync[]) => {
    time.now = now;
    syncs.told("one", proxies);
    await syncs.idle();
  };
  syncs.asks(["one"]);
  await tell(0, refusing);
  changes();
  await tell(5_000, proxy("a-1"));
  assert.deepEqual([seen()?.refusing, seen()?.forgotten, changes()], [[], forgotten, ["test1"]]);
  await tell(10_000, proxy("a-1"));
  assert.deepEqual([seen()?.forgotten, changes()], [forgotten, []], "the same says nothing new");
  filters.text = "two";
  await tell(15_000, proxy("a-1"));
  await tell(24_999, proxy("a-1"));
  assert.deepEqual(seen()?.forgotten, forgotten);
  await tell(25_000, proxy("a-1"));
  assert.deepEqual([seen()?.forgotten, changes()], [[], ["test1"]]);
  await tell(30_000, refusing);
  await tell(35_000, proxy("a-1"));
  assert.deepEqual(seen()?.forgotten, forgotten, "a change from before it was refused mends nothing");
  await tell(40_000);
  await tell(45_000, proxy("a-1"));
  assert.deepEqual(seen()?.forgotten, [], "it was not connected meanwhile");
});
