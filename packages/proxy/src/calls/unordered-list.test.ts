import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Bag, type Placed } from "./unordered-list.ts";

interface Item extends Placed {
  readonly name: number;
}

test("a bag holds what a set would, whatever is added and deleted", () => {
  const step = fc.record({ does: fc.constantFrom("add", "add", "delete", "takeAll"), name: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const items = Array.from({ length: 10 }, (_, name): Item => ({ name, place: -1 }));
      const [bag, set] = [new Bag<Item>(), new Set<Item>()];
      for (const { does, name } of steps) {
        const item = items[name];
        assert.ok(item);
        if (does === "delete") assert.equal(bag.delete(item), set.delete(item));
        else if (does === "takeAll") {
          assert.deepEqual(new Set(bag.takeAll()), set);
          set.clear();
        } else if (!set.has(item)) {
          set.add(item);
          bag.add(item);
        }
        assert.equal(bag.size, set.size);
        assert.deepEqual(new Set(bag.list()), set);
      }
    }),
  );
});

test("deleting while going through the list misses none", () => {
  const bag = new Bag<Item>();
  for (let name = 0; name < 5; name += 1) bag.add({ name, place: -1 });
  for (const item of bag.list()) assert.ok(bag.delete(item));
  assert.equal(bag.size, 0);
});
