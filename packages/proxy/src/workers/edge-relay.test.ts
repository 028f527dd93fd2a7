import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ReportedEdge } from "../destination/reported-edge.ts";
import { EdgeRelay } from "./edge-relay.ts";
import type { CountedEdge } from "./messages.ts";

function edge(authority: string, namespace = "n"): ReportedEdge {
  return { source: { namespace, name: "a" }, authority, responseCode: 200 };
}

function record() {
  const batches: { edges: readonly CountedEdge[]; dropped: number }[] = [];
  return { batches, relay: new EdgeRelay((edges, dropped) => batches.push({ edges, dropped })) };
}

test("the edges of one turn go together, equal ones as one with a count", async () => {
  const { batches, relay } = record();
  const [b, c] = [edge("b"), edge("c")];
  for (const each of [b, c, b, b]) relay.report(each, false);
  assert.equal(batches.length, 0);
  await turn();
  assert.deepEqual(batches, [
    {
      edges: [
        [b, 3],
        [c, 1],
      ],
      dropped: 0,
    },
  ]);
});

test("the next batch waits until the last one was taken and a pause is over; then what has gathered goes together", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { batches, relay } = record();
  relay.report(edge("b"), false);
  await turn();
  const [c, d] = [edge("c"), edge("d")];
  relay.report(c, false);
  t.mock.timers.tick(1_000);
  await turn();
  assert.equal(batches.length, 1);
  relay.taken();
  relay.report(d, false);
  await turn();
  assert.equal(batches.length, 1);
  t.mock.timers.tick(5);
  assert.deepEqual(batches[1]?.edges, [
    [c, 1],
    [d, 1],
  ]);
});

test("after a pause without edges the next one goes in its own turn", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { batches, relay } = record();
  relay.report(edge("b"), false);
  await turn();
  relay.taken();
  t.mock.timers.tick(5);
  assert.equal(batches.length, 1);
  relay.report(edge("c"), false);
  await turn();
  assert.equal(batches.length, 2);
});

test("edges that are known wait for others, or for a tenth of a second", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { batches, relay } = record();
  const [b, c, d] = [edge("b"), edge("c"), edge("d")];
  relay.report(b, true);
  t.mock.timers.tick(99);
  await turn();
  assert.equal(batches.length, 0);
  relay.report(b, true);
  t.mock.timers.tick(1);
  assert.deepEqual(batches[0]?.edges, [[b, 2]]);

  relay.taken();
  t.mock.timers.tick(5);
  relay.report(c, true);
  relay.report(d, false);
  await turn();
  assert.deepEqual(batches[1]?.edges, [
    [c, 1],
    [d, 1],
  ]);
  relay.taken();
  t.mock.timers.tick(1_000);
  assert.equal(batches.length, 2);
});

test("edges that are known do not leave behind a batch that is not taken yet", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { batches, relay } = record();
  relay.report(edge("b"), false);
  await turn();
  const c = edge("c");
  relay.report(c, true);
  t.mock.timers.tick(1_000);
  assert.equal(batches.length, 1);
  relay.taken();
  t.mock.timers.tick(5);
  assert.deepEqual(batches[1]?.edges, [[c, 1]]);
});

test("T-08 what waits is bounded, the next batch says how many requests found no room, and no namespace takes the room of another", async () => {
  const { batches, relay } = record();
  relay.report(edge("first"), false);
  await turn();
  for (let i = 0; i < 5_000; i++) relay.report(edge(`b${i}`), false);
  for (let i = 0; i < 5_000; i++) relay.report(edge(`b${i}`, "other"), false);
  relay.flushAll();
  const edges = batches[1]?.edges ?? [];
  const of = (namespace: string) => edges.filter(([{ source }]) => source.namespace === namespace).length;
  assert.deepEqual([of("n"), of("other")], [2_048, 1_024]);
  assert.equal(batches[1]?.dropped, 10_000 - edges.length);
});
