import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AnswerCache } from "./answer-cache.ts";

test("T-08 whoever has most makes room, and of its answers the one that was not used for longest", () => {
  const cache = new AnswerCache<string>({ maxAnswers: 4, maxSize: 1_000 });
  for (const key of ["a1", "a2", "a3"]) cache.set(key, "a", key, 1);
  cache.set("b1", "b", "b1", 1);
  cache.get("a1");
  cache.set("b2", "b", "b2", 1);

  assert.deepEqual(
    ["a1", "a2", "a3", "b1", "b2"].map((key) => cache.get(key)),
    ["a1", undefined, "a3", "b1", "b2"],
  );
});

test("T-08 an answer counts for the last that proved whose it is, whoever asked for it first", () => {
  const cache = new AnswerCache<string>({ maxAnswers: 3, maxSize: 1_000 });
  cache.set("shared", undefined, "of nobody", 1);
  cache.get("shared", "honest");
  cache.set("shared", undefined, "again", 1);
  for (let i = 0; i < 10; i += 1) cache.set(`made up ${i}`, undefined, "", 1);

  assert.equal(cache.get("shared"), "again");
});

test("T-08 neither the answers nor their sizes go beyond their limits", () => {
  const step = fc.record({
    key: fc.nat(20),
    share: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
    size: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cache = new AnswerCache<number>({ maxAnswers: 5, maxSize: 10 });
      for (const { key, share, size } of steps) {
        cache.set(String(key), share, size, size);
        const kept = Array.from({ length: 21 }, (_, i) => cache.get(String(i)) ?? []).flat();
        assert.ok(kept.length <= 5 && kept.reduce((sum, each) => sum + each, 0) <= 10, `${kept}`);
      }
    }),
  );
});
