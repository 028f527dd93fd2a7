import assert from "node:assert/strict";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import { PushTimes } from "./push-times.ts";

const A = { namespace: "test1", name: "a" };
const { switchOver: LIMITS } = Config.parse({
  switchOver: { shortestPause: "500ms", longestPause: "15s", unobservedPause: "3s" },
});

function setUp() {
  const clock = { now: 1_000 };
  const told: number[] = [];
  const pauses: number[] = [];
  const pushes = new PushTimes({
    limits: LIMITS,
    clock: () => clock.now,
    onPush: (took) => told.push(took),
    onPause: (pause) => pauses.push(pause),
  });
  /** A host is shown, called by way of the fallback each 10 ms, and then directly. */
  const push = (took: number, host = "b") => {
    pushes.shown(A, host);
    const until = clock.now + took;
    for (; clock.now < until; clock.now += 10) pushes.called(A, host, false);
    clock.now = until;
    pushes.called(A, host, true);
  };
  return { clock, told, pauses, pushes, push };
}

test("while nothing is observed the pause is the configured one, and then twice the slowest push of late", () => {
  const { pushes, push, told } = setUp();
  assert.equal(pushes.pause, 3_000);
  push(700);
  push(400);
  assert.deepEqual([told, pushes.pause], [[700, 400], 1_400]);
  for (let n = 0; n < 16; n += 1) push(300);
  assert.equal(pushes.pause, 600);
});

test("the pause stays within its bounds", () => {
  const { pushes, push } = setUp();
  push(20);
  assert.equal(pushes.pause, 500);
  push(12_000);
  assert.equal(pushes.pause, 15_000);
});

test("a push of more than an hour ago says nothing any more", () => {
  const { clock, pushes, push } = setUp();
  push(700);
  clock.now += 3_600_001;
  assert.equal(pushes.pause, 3_000);
});

test("a host that is called seldom tells nothing: the push may have come at any time since its last call", () => {
  const { clock, pushes, told } = setUp();
  pushes.shown(A, "b");
  clock.now += 60_000;
  pushes.called(A, "b", true);
  assert.deepEqual([told, pushes.isWaiting], [[], false]);
});

test("only the first direct call of a host counts, and calls by way of the fallback are none", () => {
  const { clock, pushes, push, told } = setUp();
  push(100);
  clock.now += 1_000;
  pushes.called(A, "b", true);
  pushes.shown(A, "c");
  pushes.called(A, "c", false);
  assert.deepEqual([told, pushes.isWaiting], [[100], true]);
});

test("it is told when the pause becomes another one, not for every push", () => {
  const { push, pauses } = setUp();
  push(300);
  push(310);
  push(320);
  push(5_000);
  assert.deepEqual(pauses, [600, 10_000]);
});

test("hosts that are never called directly are given up, the oldest first", () => {
  const { pushes, told } = setUp();
  for (let n = 0; n <= 1_000; n += 1) pushes.shown(A, `host${n}`);
  pushes.called(A, "host0", true);
  pushes.called(A, "host1", true);
  assert.equal(told.length, 1);
});
