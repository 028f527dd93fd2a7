import assert from "node:assert/strict";
import { test } from "node:test";
import { RepeatPace } from "./repeat-pace.ts";

test("what is taken away again and again comes back ever more slowly, and what is new waits for nothing", () => {
  let now = 0;
  const pace = new RepeatPace<string>({ first: 1_000, longest: 4_000 }, () => now);
  const pauses: number[] = [];
  for (let times = 0; times < 5; times += 1) {
    const pause = pace.pause("a");
    pauses.push(pause);
    now += pause;
    pace.made("a");
  }
  assert.deepEqual(pauses, [0, 1_000, 2_000, 4_000, 4_000]);
  assert.equal(pace.pause("b"), 0);
  now += 4_001;
  assert.ok(pace.pause("a") <= 0);
  pace.retain((key) => key !== "a");
  assert.equal(pace.pause("a"), 0);
});
