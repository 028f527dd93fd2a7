import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, toAddress } from "./resolver.ts";
import { Turns } from "./turns.ts";

const NAMES = ["a", "b", "c", "d"] as const;

/** A list as a resolver makes it: new objects each time. */
function listOf(service: string, endpoints: number, named: boolean): readonly Address[] {
  return Array.from({ length: endpoints }, (_, i) =>
    toAddress(`10.${service.charCodeAt(0)}.0.${i}`, 80, undefined, named ? `${service}:80` : undefined),
  );
}

test("T-40 whatever the interleaving of services and refreshes, no endpoint is more than one request ahead of another of its service", () => {
  const call = fc.record({ service: fc.constantFrom(...NAMES), refreshed: fc.boolean() });
  const sizes = fc.record({ a: fc.integer({ min: 1, max: 5 }), b: fc.integer({ min: 1, max: 5 }), c: fc.constant(2), d: fc.constant(3) });
  fc.assert(
    fc.property(
      fc.array(call, { maxLength: 200 }),
      sizes,
      fc.boolean(),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (calls, size, named, start) => {
        const turns = new Turns(() => start);
        const lists = new Map(NAMES.map((name) => [name, listOf(name, size[name], named)]));
        const counts = new Map(NAMES.map((name) => [name, new Array<number>(size[name]).fill(0)]));
        for (const { service, refreshed } of calls) {
          if (refreshed) lists.set(service, listOf(service, size[service], named));
          const count = counts.get(service) ?? assert.fail();
          const at = turns.take(lists.get(service) ?? assert.fail());
          count[at] = (count[at] ?? assert.fail(`position ${at} of ${size[service]}`)) + 1;
        }
        for (const count of counts.values()) assert.ok(Math.max(...count) - Math.min(...count) <= 1, `requests per endpoint: ${count}`);
      },
    ),
  );
});

test("T-40 an endpoint that comes or goes does not set the turn back to the first", () => {
  const turns = new Turns(() => 0);
  assert.deepEqual([turns.take(listOf("a", 3, true)), turns.take(listOf("a", 4, true)), turns.take(listOf("a", 4, true))], [0, 1, 2]);
});

test("T-40 each service begins at an endpoint of its own choice, so that replicas do not all begin at the first", () => {
  const starts = new Set(Array.from({ length: 200 }, () => new Turns().take(listOf("a", 4, true))));
  assert.deepEqual([...starts].sort(), [0, 1, 2, 3]);
});

test("T-40 made-up services do not grow what is remembered, and those in use keep their turn", () => {
  const turns = new Turns(() => 0);
  assert.equal(turns.take(listOf("a", 2, true)), 0);
  for (let i = 0; i < 20_000; i += 1) {
    turns.take([toAddress("10.0.0.1", 80, undefined, `made-up-${i}:80`), toAddress("10.0.0.2", 80)]);
    // Every refresh is a new list, and each use makes the service the most recently used one.
    if (i % 1_000 === 0) assert.equal(turns.take(listOf("a", 2, true)), (i / 1_000 + 1) % 2);
  }
});

test("T-40 with any endpoints down, those that are up share all requests of the service alike", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }), fc.nat({ max: 100 }), (up, down, start) => {
      const list = listOf("a", up + down, true);
      const turns = new Turns(() => (start % list.length) / list.length);
      const counts = new Array<number>(up).fill(0);
      for (let i = 0; i < 60 * list.length; i += 1) {
        const failed: number[] = [];
        let at = turns.take(list);
        while (at >= up) {
          failed.push(at);
          at = turns.takeInstead(list, failed);
        }
        counts[at] = (counts[at] ?? 0) + 1;
      }
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 3, `requests of those that are up: ${counts}`);
    }),
  );
});
