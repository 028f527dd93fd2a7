import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ManualClock } from "@fenceline/kubernetes/testing";
import { SnapshotPace } from "./snapshot-pace.ts";

/** A pace whose snapshots take 20 ms each, on a clock that the test moves. */
function setUp(t: TestContext) {
  const clock = new ManualClock();
  const closed = new AbortController();
  t.after(() => closed.abort());
  const told: number[] = [];
  const tell = () => {
    told.push(clock.now());
    clock.advance(20);
  };
  return { clock, closed, told, pace: new SnapshotPace({ clock, settleTime: 10, closed: closed.signal, tell }) };
}

test("changes that come together are told together", async (t) => {
  const { clock, told, pace } = setUp(t);
  for (let n = 0; n < 5; n += 1) pace.changed(false);
  assert.equal(await clock.pauseBelow(1_000), 10);
  clock.advance(10);
  await new Promise(setImmediate);
  assert.equal(told.length, 1);
});

test("after a snapshot that took long, changes of the mesh wait nine times as long, and an urgent one does not", async (t) => {
  const { clock, told, pace } = setUp(t);
  pace.changed(false);
  clock.advance(await clock.pauseBelow(1_000));
  await new Promise(setImmediate);
  pace.changed(false);
  clock.advance(await clock.pauseBelow(1_000));
  assert.equal(await clock.pauseBelow(1_000), 170);
  pace.changed(true);
  await new Promise(setImmediate);
  assert.equal(told.length, 2);
});

test("nothing is told once it is closed", async (t) => {
  const { clock, closed, told, pace } = setUp(t);
  pace.changed(true);
  assert.equal(await clock.pauseBelow(1_000), 10);
  closed.abort();
  await new Promise(setImmediate);
  pace.changed(true);
  assert.deepEqual(told, []);
});
