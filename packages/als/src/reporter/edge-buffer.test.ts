import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EdgeBuffer, type EdgeReport } from "./edge-buffer.ts";

const report = (authority: string): EdgeReport => ({ source: { namespace: "test1", name: "a" }, authority, responseCode: 200 });

test("whatever is added, taken and put back: never more than the capacity, and no request is lost uncounted", () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant("add"), what: fc.constantFrom("a", "b", "c", "d", "e"), requests: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ does: fc.constant("take"), what: fc.constantFrom("1", "2", "9"), requests: fc.constant(0) }),
    fc.record({ does: fc.constant("putBack"), what: fc.constant(""), requests: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const buffer = new EdgeBuffer(3);
      let [added, dropped] = [0, 0];
      let taken: ReturnType<EdgeBuffer["take"]> = [];
      for (const { does, what, requests } of steps) {
        if (does === "add") {
          added += requests;
          if (!buffer.add(report(what), requests)) dropped += requests;
        } else if (does === "take") {
          taken.push(...buffer.take(Number(what)));
        } else {
          dropped += buffer.putBack(taken);
          taken = [];
        }
        assert.ok(buffer.size <= 3);
      }
      const held = [...taken, ...buffer.take(9)].reduce((sum, { requests }) => sum + requests, 0);
      assert.equal(held + dropped, added);
    }),
  );
});

test("the oldest edges are taken first", () => {
  const buffer = new EdgeBuffer(10);
  for (const authority of ["a", "b", "a", "c"]) buffer.add(report(authority));
  assert.deepEqual(
    buffer.take(2).map(({ fields, requests }) => [fields.authority, requests]),
    [
      ["a", 2],
      ["b", 1],
    ],
  );
  assert.equal(buffer.size, 1);
});

test("T-11 one entry stands for no more requests than the decoder reads, however many are added at once", () => {
  const buffer = new EdgeBuffer(10);
  buffer.add(report("a"), 5e9);
  buffer.add(report("a"), 2 ** 60);
  buffer.putBack(buffer.take(1));
  assert.deepEqual(
    buffer.take(2).map(({ requests }) => requests),
    [999_999_999],
  );
});
