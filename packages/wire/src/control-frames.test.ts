import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ControlFrames } from "./control-frames.ts";

function allowed(frames: ControlFrames, now: number, count: number): number {
  return Array.from({ length: count }, () => frames.take(now)).filter(Boolean).length;
}

test("T-32 PINGs that nothing is sent between are allowed at once and a second, and no more", () => {
  const frames = new ControlFrames(100, 100, 0);

  assert.equal(allowed(frames, 0, 150), 100);
  assert.equal(allowed(frames, 1_500, 200), 100);
});

for (const { perFrame } of [{ perFrame: 1 }, { perFrame: 2 }, { perFrame: 3 }]) {
  test(`T-32 ${perFrame} PINGs to a frame are allowed for ever, when they come one by one and when they come late`, () => {
    const frames = new ControlFrames(1, 1, 0);
    for (let i = 0; i < 100_000; i += 1) {
      frames.earn(1);
      assert.equal(allowed(frames, 0, perFrame), perFrame);
    }
    frames.earn(3_000);
    assert.equal(allowed(frames, 0, 3_000 * perFrame), 3_000 * perFrame);
  });
}

test("T-32 what was earned does not pile up for a flood", () => {
  const frames = new ControlFrames(100, 100, 0);
  frames.earn(1_000_000);

  assert.equal(allowed(frames, 0, 100_000), 10_100);
});

test("T-32 whatever a client does, its control frames stay in proportion to time and to the frames beside them", () => {
  const step = fc.record({ pause: fc.nat(2_000), frames: fc.nat(300), pings: fc.nat(3_000) });

  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const control = new ControlFrames(100, 100, 0);
      let [now, beside, granted] = [0, 0, 0];
      for (const { pause, frames, pings } of steps) {
        now += pause;
        beside += frames;
        control.earn(frames);
        granted += allowed(control, now, pings);
      }
      return granted <= 100 + now / 10 + 10 * beside;
    }),
  );
});
