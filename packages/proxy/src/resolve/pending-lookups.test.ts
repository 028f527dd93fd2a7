import assert from "node:assert/strict";
import { test } from "node:test";
import { PendingLookups } from "./pending-lookups.ts";

/** Begins look-ups that never end, as long as there is room. */
function fill(lookups: PendingLookups, share: string, most = 2_000): number {
  let count = 0;
  while (count < most && lookups.hasRoom(share))
    lookups.add(`${share} ${count++}`, share, { result: new Promise(() => {}), soon: undefined, isLate: false });
  return count;
}

test("T-08 one namespace alone has a quarter of the look-ups", () => {
  assert.equal(fill(new PendingLookups(), "evil"), 250);
});

test("T-08 however many namespaces ask for names that nobody answers, another one is looked up", () => {
  for (const crowd of [4, 20, 100]) {
    const lookups = new PendingLookups();
    for (let round = 0; round < 50; round += 1) for (let each = 0; each < crowd; each += 1) fill(lookups, `evil-${each}`, 10);
    assert.ok(fill(lookups, "honest") >= 2, `${crowd} namespaces left no room`);
  }
});
