import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceFenceStatus } from "@fenceline/api";
import { shortest } from "@fenceline/api/testing";
import { FenceEdges } from "@fenceline/edges";
import { differsInSubstance } from "./status.ts";
import { mergeStatus } from "./take-over.ts";

const HOSTS = 12_000;

function statusText(seen: number): string {
  const time = new Date(seen).toISOString();
  const entry = (index: number) => {
    const host = `h${index}.test1.svc.cluster.local`;
    return [host, { hosts: [host], status: "ACTIVE", source: "learned", firstSeen: time, lastSeen: time, requests: seen, ports: [80] }];
  };
  return JSON.stringify({ domains: Object.fromEntries(Array.from({ length: HOSTS }, (_, index) => entry(index))) });
}

const statusAt = (seen: number): ServiceFenceStatus => JSON.parse(statusText(seen));

test("T-11 a status of 12,000 hosts is compared faster than its JSON is read, and taken in about as fast", () => {
  const [before, same, later] = [statusAt(1_000), statusAt(1_000), statusAt(2_000)];
  const text = statusText(1_000);
  const parsed = shortest(() => JSON.parse(text));
  const edges = new FenceEdges({ idleWindow: 86_400_000, maxHosts: 1_000, maxRemovedShare: 1 });
  mergeStatus(edges, { domains: {} }, before, 3_000);
  assert.equal(edges.size, HOSTS);
  const compared = {
    equal: () => assert.equal(differsInSubstance(before, same), false),
    "other times": () => assert.equal(differsInSubstance(before, later), false),
  };
  const takenIn = {
    "nothing new": () => mergeStatus(edges, before, same, 3_000),
    "other times": () => mergeStatus(edges, before, later, 3_000),
  };
  for (const [runs, most] of [[compared, 2] as const, [takenIn, 5] as const])
    for (const [what, run] of Object.entries(runs)) {
      const took = shortest(run);
      assert.ok(took < most * parsed, `${what}: ${took} ms for what JSON.parse reads in ${parsed} ms`);
    }
});
