import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addCounts, MOST_PORTS, unitePorts } from "./counts.ts";

test("T-11 a sum of counts is an exact integer, whatever is added in whatever order", () => {
  const count = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER));
  fc.assert(
    fc.property(fc.array(count), (counts) => {
      const sum = counts.reduce(addCounts, 0);
      assert.ok(Number.isSafeInteger(sum));
      assert.equal(counts.toReversed().reduce(addCounts, 0), sum);
    }),
  );
});

test("T-08 a host keeps the lowest hundred of its ports, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 65_535 }), { maxLength: 150 }), { maxLength: 3 }), (lists) => {
      const all = unitePorts(...lists);
      assert.ok(all.length <= MOST_PORTS);
      assert.deepEqual(
        lists.reduce((known, ports) => unitePorts(known, ports), []),
        all,
      );
      assert.deepEqual(all, [...new Set(lists.flat())].sort((a, b) => a - b).slice(0, MOST_PORTS));
    }),
  );
});
