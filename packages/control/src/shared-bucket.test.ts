import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "@fenceline/api";
import fc from "fast-check";
import { SharedBucket } from "./shared-bucket.ts";

const [BURST, PER_SECOND] = [250, 125];

test("T-08 law: however many take as much as they get, one that took nothing finds room, and all have no more than a bucket of one", () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 500 }),
    share: fc.integer({ min: 0, max: 9 }),
    takes: fc.integer({ min: 1, max: 200 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bucket = new SharedBucket(BURST, PER_SECOND, 0);
      const whole = new TokenBucket(BURST, PER_SECOND, 0);
      let now = 0;
      for (const { wait, share, takes } of steps) {
        now += wait;
        for (let count = 0; count < takes; count += 1) if (bucket.take(`busy${share}`, 1, now)) assert.ok(whole.take(1, now));
      }
      assert.ok(bucket.take("newcomer", 1, now));
    }),
  );
});

test("T-08 one alone has half of the burst at once, and all that comes in the long run", () => {
  const bucket = new SharedBucket(BURST, PER_SECOND, 0);
  const taken = (now: number) => {
    let count = 0;
    while (bucket.take("alone", 1, now)) count += 1;
    return count;
  };
  assert.equal(taken(0), BURST / 2);
  let count = 0;
  for (let now = 10; now <= 60_000; now += 10) count += taken(now);
  assert.ok(Math.abs(count - 60 * PER_SECOND) <= 1, String(count));
  assert.equal(taken(120_000), BURST / 2, "what it once took is forgotten");
});
