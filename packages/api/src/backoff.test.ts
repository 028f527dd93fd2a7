import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Backoff } from "./backoff.ts";

test("the bound doubles up to the longest wait, and starts over after a reset", () => {
  const backoff = new Backoff({ first: 100, longest: 500 }, () => 0);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next(), backoff.next()], [100, 200, 400, 500]);
  backoff.reset();
  assert.equal(backoff.next(), 100);
});

test("every wait lies between half of its bound and the bound", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      const backoff = new Backoff({ first: 100, longest: 1_000 }, () => random);
      for (const bound of [100, 200, 400, 800, 1_000, 1_000]) {
        const wait = backoff.next();
        assert.ok(wait >= bound / 2 && wait <= bound, `${wait} of ${bound}`);
      }
    }),
  );
});
