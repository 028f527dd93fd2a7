import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFenceKey } from "@fenceline/api";
import fc from "fast-check";
import { ShortestWindow } from "./shortest-window.ts";

test("issue 14: whatever fences come, change and go, the shortest window is that of those that are there", () => {
  const step = fc.record({ name: fc.constantFrom("a", "b", "c"), window: fc.option(fc.nat(4), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const windows = new ShortestWindow();
      const there = new Map<string, number>();
      for (const { name, window } of steps) {
        const fence = { namespace: "test1", name };
        if (window === undefined) windows.delete(fence);
        else windows.set(fence, window);
        if (window === undefined) there.delete(formatFenceKey(fence));
        else there.set(formatFenceKey(fence), window);
        assert.equal(windows.milliseconds, Math.min(Number.POSITIVE_INFINITY, ...there.values()));
      }
    }),
  );
});
