import assert from "node:assert/strict";
import { test } from "node:test";
import { Shedding } from "./shedding.ts";

const LIMITS = { maxTurn: 100, tolerance: 200, burst: 500 };

/**
 * One turn after the other, each sampled at its end; short ones as the mean of many, every 50 ms.
 *
 * @param processor share of the time for which the thread had one
 */
function observe(shedding: Shedding, turns: readonly number[], { from = 0, processor = 1 } = {}): number {
  let now = from;
  for (const turn of turns) {
    const passed = Math.max(50, turn);
    now += passed;
    shedding.observe({ now, turn, cpu: processor * passed });
  }
  return now;
}

test("one long turn refuses nothing, however long it was", () => {
  const shedding = new Shedding(LIMITS, () => 0);
  observe(shedding, [5, 5_000, 5, 5, 800, 20]);
  assert.equal(shedding.share, 0);
  assert.equal(shedding.refusesNext(), false);
});

test("turns that are long because others have the processor refuse nothing until as much work went into them", () => {
  const starved = new Shedding(LIMITS);
  const now = observe(starved, new Array(6).fill(300), { processor: 0.1 });
  assert.equal(starved.share, 0);
  observe(starved, new Array(2).fill(300), { from: now, processor: 0.1 });
  assert.ok(starved.share > 0);
});

test("turns that stay too long raise the share refused, and the more so the longer they are", () => {
  const slightly = new Shedding(LIMITS);
  const far = new Shedding(LIMITS);
  observe(slightly, new Array(10).fill(120));
  observe(far, new Array(10).fill(300));
  assert.ok(slightly.share > 0 && slightly.share < far.share, `${slightly.share} ${far.share}`);
});

test("the share comes down when turns are short again, and ends at nothing", () => {
  const shedding = new Shedding(LIMITS);
  const now = observe(shedding, new Array(10).fill(300));
  const highest = shedding.share;
  const later = observe(shedding, [50], { from: now });
  assert.ok(shedding.share < highest);
  observe(shedding, new Array(30).fill(1), { from: later });
  assert.equal(shedding.share, 0);
});

test("some requests are always let through", () => {
  const draws = [0.94, 0.96];
  const shedding = new Shedding(LIMITS, () => draws.shift() ?? 0);
  observe(shedding, new Array(100).fill(1_000));
  assert.equal(shedding.refusesNext(), true);
  assert.equal(shedding.refusesNext(), false);
});

test("while it refuses, a turn just below the limit takes little back: it does not switch to and fro", () => {
  const shedding = new Shedding(LIMITS);
  const now = observe(shedding, new Array(12).fill(200));
  const before = shedding.share;
  observe(shedding, [99, 99, 99], { from: now });
  assert.ok(shedding.share > before - 0.01 && shedding.share < before);
});

/** Short turns, each of which leaves connections waiting, for so long. */
function observeQueue(shedding: Shedding, milliseconds: number): void {
  for (let now = 50; now <= milliseconds; now += 50) shedding.observe({ now, turn: 10, cpu: 50 }, true);
}

test("a burst of connections refuses nothing while it lasts no longer than a restart's", () => {
  const shedding = new Shedding(LIMITS, () => 0);
  observeQueue(shedding, 700);
  assert.equal(shedding.share, 0);
  shedding.observe({ now: 750, turn: 10, cpu: 50 });
  // What comes after it is another burst, not the rest of this one.
  for (let now = 800; now <= 1_400; now += 50) shedding.observe({ now, turn: 10, cpu: 50 }, true);
  assert.equal(shedding.share, 0);
});

test("connections that go on to wait raise the share as turns that are too long do", () => {
  const shedding = new Shedding(LIMITS);
  observeQueue(shedding, 800);
  assert.ok(shedding.share > 0);
});
