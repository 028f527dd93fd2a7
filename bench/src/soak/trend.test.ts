import assert from "node:assert/strict";
import { test } from "node:test";
import { checks, growth, isBackToBase, type ResourceUse } from "./trend.ts";

const BASE: ResourceUse = { at: 0, memory: 100, files: 20, inFlight: 0 };

/** Samples with these megabytes, one in so many seconds. */
function memories(values: readonly number[], every = 1): ResourceUse[] {
  return values.map((memory, index) => ({ ...BASE, at: index * every, memory }));
}

test("what grows during the warm-up does not count", () => {
  const values = Array.from({ length: 100 }, (_, at) => (at < 25 ? 50 + 4 * at : 150));
  assert.equal(growth(memories(values)), 0);
});

test("a saw-tooth of collections is no growth", () => {
  const values = Array.from({ length: 200 }, (_, at) => 100 + (at % 10) * 5);
  assert.ok(Math.abs(growth(memories(values))) < 1);
});

test("a steady leak is found, whatever the teeth on it", () => {
  const leaky = Array.from({ length: 200 }, (_, at) => 100 + (at % 10) * 5 + at * 0.4);
  assert.equal(checks(BASE, memories(leaky, 10), BASE)[0]?.kept, false);
});

test("memory is not judged in a run of a minute", () => {
  const growing = Array.from({ length: 60 }, (_, at) => 100 + at * 2);
  assert.equal(checks(BASE, memories(growing), BASE)[0]?.kept, true);
});

test("a single sample is no growth", () => {
  assert.equal(growth(memories([100])), 0);
});

test("sockets and requests that stay behind break the promise", () => {
  const after = { ...BASE, files: 23, inFlight: 1 };
  assert.equal(isBackToBase(BASE, after), false);
  const broken = checks(BASE, memories([100, 100]), after).filter(({ kept }) => !kept);
  assert.deepEqual(
    broken.map(({ what }) => what),
    ["files left open", "requests left in flight"],
  );
});
