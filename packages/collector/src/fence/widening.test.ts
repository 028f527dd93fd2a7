import assert from "node:assert/strict";
import { test } from "node:test";
import { parkedHosts, type Sidecar, sidecarHosts, withHosts } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { CONFIG, fenceOf, meshOf } from "../testing/mesh.ts";
import { ageingPolicy } from "./take-over.ts";
import { wideningOf } from "./widening.ts";

const OWNER = { kind: "ServiceFence", namespace: "test1", name: "a" };
const NOW = Date.parse("2026-11-29T00:00:00Z");
const MINUTE = 60_000;

function sidecarOf(...hosts: string[]): Sidecar {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: { name: "a", namespace: "test1", labels: {} },
    spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts }] },
  };
}

/**
 * Hosts of the Sidecar that a replica which does not lead makes of one; undefined when it leaves
 * it.
 */
function widened(before: Sidecar, wanted: Sidecar, called: Readonly<Record<string, number>>): readonly string[] | undefined {
  const edges = new FenceEdges(ageingPolicy(fenceOf({}), CONFIG, meshOf().registry));
  for (const [host, lastSeen] of Object.entries(called)) edges.seed({ host, source: "learned", firstSeen: lastSeen, lastSeen });
  const change = wideningOf({ action: "update", owner: OWNER, object: wanted, before }, edges, NOW);
  return change?.object.kind === "Sidecar" ? change.object.spec.egress[0]?.hosts : undefined;
}

test("a host that is called just now is added, in the place where the leader would have it", () => {
  const before = sidecarOf("istio-system/*", "test1/c.test1");
  assert.deepEqual(widened(before, sidecarOf("istio-system/*", "test1/b.test1", "test1/c.test1"), { "b.test1": NOW }), [
    "istio-system/*",
    "test1/b.test1",
    "test1/c.test1",
  ]);
});

test("what the leader took out since nobody calls it is not added again", () => {
  const before = sidecarOf("istio-system/*");
  assert.equal(widened(before, sidecarOf("istio-system/*", "test1/b.test1"), { "b.test1": NOW - MINUTE }), undefined);
});

test("nothing is taken away, and nothing added that was not called", () => {
  const before = sidecarOf("istio-system/*", "test1/old.test1");
  const wanted = sidecarOf("istio-system/*", "test1/b.test1", "test1/named.test1");
  assert.deepEqual(widened(before, wanted, { "b.test1": NOW }), ["istio-system/*", "test1/b.test1", "test1/old.test1"]);
  assert.equal(widened(before, sidecarOf("istio-system/*"), {}), undefined);
});

test("a host on its way in is parked too, and whatever is parked stays so, also what this shows", () => {
  const before = withHosts(sidecarOf(), ["istio-system/*"], ["test1/b.test1", "test1/leaving.test1"]);
  const wanted = withHosts(sidecarOf(), ["istio-system/*", "test1/b.test1"], ["test1/c.test1", "test1/unused.test1"]);
  const edges = new FenceEdges(ageingPolicy(fenceOf({}), CONFIG, meshOf().registry));
  for (const host of ["b.test1", "c.test1"]) edges.seed({ host, source: "learned", firstSeen: NOW, lastSeen: NOW });
  const made = wideningOf({ action: "update", owner: OWNER, object: wanted, before }, edges, NOW)?.object;
  assert.ok(made?.kind === "Sidecar");
  assert.deepEqual(
    [sidecarHosts(made), parkedHosts(made)],
    [
      ["istio-system/*", "test1/b.test1"],
      ["test1/b.test1", "test1/c.test1", "test1/leaving.test1"],
    ],
  );
});
