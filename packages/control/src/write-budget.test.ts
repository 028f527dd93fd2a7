import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectRef } from "@fenceline/api";
import { WriteBudget } from "./write-budget.ts";

const ref = (name: string, namespace = "test1"): ObjectRef => ({ kind: "Widget", namespace, name });

/**
 * A budget in a time that the test controls: 4 at once and 2 a second for each, 16 and 8 for all.
 */
function setUp() {
  const time = { now: 0 };
  const limits = { each: { burst: 4, perSecond: 2 }, all: { burst: 16, perSecond: 8 } };
  const budget = new WriteBudget(() => time.now, limits);
  /**
   * Pauses before so many single writes, each of which is asked for when the one before was made.
   */
  const pauses = (name: string, count: number, urgent = false) =>
    Array.from({ length: count }, () => {
      const pause = budget.pause(ref(name), 1, urgent);
      time.now += pause;
      if (pause > 0) assert.equal(budget.pause(ref(name), 1, urgent), 0);
      return pause;
    });
  return { time, budget, pauses };
}

test("an object that changes all the time has so many writes at once, and so many a second then", () => {
  const { pauses } = setUp();
  assert.deepEqual(pauses("a", 6), [0, 0, 0, 0, 500, 500]);
  assert.deepEqual(pauses("b", 4), [0, 0, 0, 0]);
});

test("what a call waits for is written when the budget of all others is used up", () => {
  const { budget } = setUp();
  for (const name of ["a", "b", "c", "d", "e", "f"]) for (let writes = 0; writes < 2; writes += 1) budget.pause(ref(name), 1, false);
  const waiting = Array.from({ length: 4 }, (_, index) => budget.pause(ref(`late${index}`), 1, false));
  assert.ok(
    waiting.every((pause, index) => Math.abs(pause - ((index + 1) * 1_000) / 6) < 1),
    waiting.join(", "),
  );
  for (let urgent = 0; urgent < 2; urgent += 1) assert.equal(budget.pause(ref(`urgent${urgent}`), 1, true), 0);
});

test("T-08 calls to a thousand objects of one namespace leave room for what a call of another waits for", () => {
  const { budget } = setUp();
  for (let index = 0; index < 1_000; index += 1) budget.pause(ref(`many${index}`), 1, true);
  assert.ok(budget.pause(ref("more"), 1, true) > 100_000);
  assert.equal(budget.pause(ref("one", "other"), 1, true), 0);
  assert.equal(budget.pause(ref("one", "third"), 1, true), 0);
});

test("who has a turn may ask again before it comes, and pays once", () => {
  const { time, budget, pauses } = setUp();
  pauses("a", 4);
  for (let tries = 0; tries < 100; tries += 1) assert.equal(budget.pause(ref("a"), 1, false), 500);
  time.now += 499;
  assert.equal(budget.pause(ref("a"), 1, false), 1);
  time.now += 1;
  assert.equal(budget.pause(ref("a"), 1, false), 0);
});

test("a plan that is larger than the budget of an object is carried out", () => {
  const { budget } = setUp();
  assert.equal(budget.pause(ref("a"), 6, false), 0);
  assert.equal(budget.pause(ref("a"), 6, false), 2_000);
});
