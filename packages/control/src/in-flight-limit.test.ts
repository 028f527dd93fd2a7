import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InFlightLimit } from "./in-flight-limit.ts";

/**
 * Lets a server with so many places work on writes, each of which takes it `service` milliseconds,
 * while as many are kept in flight as the limit says. Returns the limit after so many writes.
 */
function settle(limit: InFlightLimit, { places, service }: { readonly places: number; readonly service: number }, writes: number): number {
  for (let written = 0; written < writes; written += 1) {
    const inFlight = limit.limit;
    // Those that find no place wait for their turn.
    limit.ended(service * Math.max(1, inFlight / places), inFlight);
  }
  return limit.limit;
}

test("more are under way as long as the server takes them, up to the most", () => {
  assert.equal(settle(new InFlightLimit(), { places: 1_000, service: 5 }, 1_900), 32);
});

test("a server that has few places is not given many times as much", () => {
  const limit = settle(new InFlightLimit(), { places: 2, service: 20 }, 5_000);
  assert.ok(limit >= 4 && limit <= 10, `${limit}`);
});

test("a server that becomes slow is given less, and more again once it is as quick as before", () => {
  const limit = new InFlightLimit();
  const quick = { places: 100, service: 5 };
  assert.equal(settle(limit, quick, 900), 32);
  assert.ok(settle(limit, { places: 2, service: 20 }, 2_000) <= 10);
  assert.equal(settle(limit, quick, 2_000), 32);
});

test("a limit that is not used up does not grow", () => {
  const limit = new InFlightLimit();
  for (let written = 0; written < 1_000; written += 1) limit.ended(5, 1);
  assert.equal(limit.limit, 4);
});

test("it stays within its bounds, whatever the server does", () => {
  const sample = fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.integer({ min: 1, max: 64 }));
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 500 }), (samples) => {
      const limit = new InFlightLimit({ least: 2, most: 16 });
      for (const [took, inFlight] of samples) {
        limit.ended(took, inFlight);
        assert.ok(limit.limit >= 2 && limit.limit <= 16);
      }
    }),
  );
});
