import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PendingChanges } from "./pending-changes.ts";

const step = fc.record({ key: fc.constantFrom("a", "b", "c"), value: fc.option(fc.nat(3)), isTold: fc.boolean() });

test("whoever takes over what is told, whenever it is told, has what there is; and what is the same as before is not told", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pending = new PendingChanges<object>();
      const [truth, follower] = [new Map<string, object>(), new Map<string, object>()];
      const tell = () => {
        for (const { before, after } of pending.take()) {
          assert.ok(before !== undefined || after !== undefined);
          const [key] = Object.values((after ?? before) as { readonly key: string });
          assert.equal(follower.get(key ?? ""), before);
          if (after === undefined) follower.delete(key ?? "");
          else follower.set(key ?? "", after);
        }
        assert.deepEqual(follower, truth);
      };
      for (const { key, value, isTold } of steps) {
        const before = truth.get(key);
        const after = value === null ? undefined : { key, value };
        if (before === undefined && after === undefined) continue;
        if (after === undefined) truth.delete(key);
        else truth.set(key, after);
        pending.add(key, { before, after });
        if (isTold) tell();
      }
      tell();
      assert.deepEqual(pending.take(), []);
    }),
  );
});

test("a change is ours as long as nobody else had a part in it", () => {
  const pending = new PendingChanges<number>();
  pending.add("a", { before: 1, after: 2, isOurs: true });
  pending.add("a", { before: 2, after: 3, isOurs: true });
  pending.add("b", { before: 1, after: 2, isOurs: true });
  pending.add("b", { before: 2, after: 3 });
  assert.deepEqual(pending.take(), [
    { before: 1, after: 3, isOurs: true },
    { before: 1, after: 3, isOurs: false },
  ]);
});
