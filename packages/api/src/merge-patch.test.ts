import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyMergePatch, mergePatch } from "./merge-patch.ts";

/** JSON without nulls in objects: a merge patch cannot say them (RFC 7386 §1). */
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "constructor"), tie("json"), { noNullPrototype: true }),
  ),
}));

test("law: applying the patch from one value to another gives the other", () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      const patch = mergePatch(from, to);
      assert.deepEqual(patch === undefined ? from : applyMergePatch(from, patch), to);
    }),
  );
});

test("law: there is no patch between equal values", () => {
  fc.assert(fc.property(json, (value) => assert.equal(mergePatch(value, structuredClone(value)), undefined)));
});

test("only what differs is named, and what is gone is null", () => {
  const from = { a: { x: 1, y: 2 }, b: [1], c: "same" };
  assert.deepEqual(mergePatch(from, { a: { x: 1, z: 3 }, b: [1, 2], c: "same" }), { a: { y: null, z: 3 }, b: [1, 2] });
});
