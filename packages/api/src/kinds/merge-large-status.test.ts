import assert from "node:assert/strict";
import { test } from "node:test";
import { shortest } from "../testing/shortest.ts";
import { statusPatch } from "./merge-service-fence-status.ts";
import type { ServiceFenceStatus } from "./service-fence-status.ts";

const at = (seconds: number) => new Date(seconds * 1_000).toISOString();

/** A status of this many hosts that were last seen then. */
function statusOf(count: number, seen: number): ServiceFenceStatus {
  const entry = (index: number) => {
    const host = `h${index}.test1.svc.cluster.local`;
    return [
      host,
      { hosts: [host], status: "ACTIVE", source: "learned", firstSeen: at(0), lastSeen: at(seen), requests: seen, ports: [80] },
    ];
  };
  return { domains: Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index))) };
}

test("T-11 the patch of a status of 20,000 hosts takes a few times what its JSON takes, whatever others wrote into it", () => {
  const [old, seenSince, none] = [statusOf(20_000, 10), statusOf(20_000, 20), { domains: {} }];
  const text = JSON.stringify(old);
  const parsed = shortest(() => JSON.parse(text));
  const merges = {
    "given up, and seen elsewhere since": { desired: none, base: old, live: seenSince },
    "given up": { desired: none, base: old, live: old },
    "seen again": { desired: seenSince, base: old, live: old },
    "as it is": { desired: old, base: old, live: statusOf(20_000, 10) },
  };
  for (const [what, merge] of Object.entries(merges)) {
    const took = shortest(() => statusPatch({ ...merge, leads: true, now: 30_000 }));
    assert.ok(took < 8 * parsed, `${what}: ${took} ms for what JSON.parse reads in ${parsed} ms`);
  }
});
