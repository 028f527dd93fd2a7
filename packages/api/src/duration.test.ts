import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { durationMs, formatDuration, parseDuration } from "./duration.ts";
import { duration, durationBetween } from "./duration-field.ts";

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

test("T-14 a duration of a fence may have any length: one beyond ten years counts as ten years", () => {
  assert.equal(duration.safeParse("999999999h").success, true);
  assert.equal(durationMs("999999999h"), 315_360_000_000);
  assert.equal(durationMs(`${"9".repeat(400)}h`), 315_360_000_000);
});

test("T-14 a duration of the configuration is within its limits, which the message names", () => {
  const field = durationBetween("10ms", "10m");
  for (const text of ["10ms", "1s", "10m", "600s"]) assert.equal(field.safeParse(text).success, true, text);
  for (const text of ["9ms", "0s", "601s", "999999999h"])
    assert.match(field.safeParse(text).error?.issues[0]?.message ?? "", /^out of range: from 10ms to 10m$/, text);
  assert.match(field.safeParse("soon").error?.issues[0]?.message ?? "", /300ms, 90s/);
});

test("T-14 a duration is written in the largest unit that it is whole in", () => {
  assert.deepEqual([1, 1_500, 10_000, 90_000, 86_400_000].map(formatDuration), ["1ms", "1500ms", "10s", "90s", "24h"]);
  fc.assert(fc.property(fc.integer({ min: 1, max: 10 ** 11 }), (n) => parseDuration(formatDuration(n)) === n));
});
