import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Listed, UnorderedList } from "./unordered-list.ts";

interface Item extends Listed {
  readonly name: number;
}

test("an unordered list holds what a set would, whatever is added and deleted", () => {
  const step = fc.record({ does: fc.constantFrom("add", "add", "delete", "takeAll"), name: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const items = Array.from({ length: 10 }, (_, name): Item => ({ name, position: -1 }));
      const [list, set] = [new UnorderedList<Item>(), new Set<Item>()];
      for (const { does, name } of steps) {
        const item = items[name];
        assert.ok(item);
        if (does === "delete") assert.equal(list.delete(item), set.delete(item));
        else if (does === "takeAll") {
          assert.deepEqual(new Set(list.takeAll()), set);
          set.clear();
        } else if (!set.has(item)) {
          set.add(item);
          list.add(item);
        }
        assert.equal(list.size, set.size);
        assert.deepEqual(new Set(list.list()), set);
      }
    }),
  );
});

test("deleting while going through the list misses none", () => {
  const list = new UnorderedList<Item>();
  for (let name = 0; name < 5; name += 1) list.add({ name, position: -1 });
  for (const item of list.list()) assert.ok(list.delete(item));
  assert.equal(list.size, 0);
});
