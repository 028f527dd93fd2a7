import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDuration } from "./duration.ts";
import { duration } from "./duration-field.ts";

test("units are summed up in milliseconds", () => {
  assert.equal(parseDuration("300ms"), 300);
  assert.equal(parseDuration("1.5h"), 5_400_000);
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(parseDuration("24h"), 86_400_000);
  assert.equal(parseDuration("0s"), 0);
});

test("what has no unit, a sign, or a rest is refused", () => {
  for (const text of ["", "5", "-1s", "1d", "1 s", "s", "1h30", "1e3s", "NaNs"]) assert.equal(parseDuration(text), undefined, text);
});

test("a duration beyond ten years is refused, so that times stay exact", () => {
  assert.equal(parseDuration("87600h"), 315_360_000_000);
  assert.equal(parseDuration("87601h"), undefined);
  assert.equal(parseDuration(`${"9".repeat(400)}h`), undefined);
});

test("every whole number of milliseconds is read back exactly", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (n) => parseDuration(`${n}ms`) === n));
});

test("the schema says what to write", () => {
  const result = duration.safeParse("soon");
  assert.match(result.error?.issues[0]?.message ?? "", /300ms, 90s/);
});
