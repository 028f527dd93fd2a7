import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nearestName } from "./nearest-name.ts";

const FIELDS = ["enable", "host", "mode", "namespaceSelector", "workloadSelector", "tcp"];

test("the nearest name is told where one is near, and none otherwise", () => {
  for (const [written, meant] of [
    ["enabled", "enable"],
    ["hosts", "host"],
    ["Mode", "mode"],
    ["namespaceselectors", "namespaceSelector"],
    ["nowhere", undefined],
    ["", undefined],
    ["x", undefined],
    ["e".repeat(10_000), undefined],
  ] as const) {
    assert.equal(nearestName(written, FIELDS), meant, written.slice(0, 20));
  }
});

test("a name is nearest to itself, and one of the names is told or none", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 10 }), { maxLength: 8 }), fc.string({ maxLength: 10 }), (names, written) => {
      const found = nearestName(written, names);
      assert.ok(found === undefined || names.includes(found));
      if (names.includes(written)) assert.equal(found?.toLowerCase(), written.toLowerCase());
    }),
  );
});
