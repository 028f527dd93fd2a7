import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnvoyFilter, RenderedObject, Sidecar } from "@fenceline/api";
import fc from "fast-check";
import { plan } from "./plan.ts";

const OWNER = { kind: "ServiceFence", namespace: "test1", name: "a" };
const metadata = { name: "a", namespace: "test1", labels: {} };
const filter: EnvoyFilter = {
  apiVersion: "networking.istio.io/v1alpha3",
  kind: "EnvoyFilter",
  metadata,
  spec: { workloadSelector: { labels: { app: "a" } }, configPatches: [] },
};
const sidecar = (...hosts: string[]): Sidecar => ({
  apiVersion: "networking.istio.io/v1beta1",
  kind: "Sidecar",
  metadata,
  spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts }] },
});
const told = (owned: readonly RenderedObject[], desired: readonly RenderedObject[]) =>
  plan(OWNER, owned, desired).map((change) => `${change.action} ${change.object.kind}`);

test("a new fence gets its EnvoyFilter before its Sidecar", () => {
  assert.deepEqual(told([], [filter, sidecar("x/*")]), ["create EnvoyFilter", "create Sidecar"]);
});

test("what is as desired is not written", () => {
  assert.deepEqual(told([sidecar("x/*"), filter], [filter, structuredClone(sidecar("x/*"))]), []);
});

test("only what differs is updated, drift by hand included", () => {
  assert.deepEqual(told([filter, sidecar("x/*")], [filter, sidecar("x/*", "y/*")]), ["update Sidecar"]);
});

test("a fence that is switched off loses its Sidecar before its EnvoyFilter", () => {
  assert.deepEqual(told([filter, sidecar("x/*")], []), ["delete Sidecar", "delete EnvoyFilter"]);
});

test("from Enforce to Observe the Sidecar goes and the filter is changed first", () => {
  const observing = { ...filter, spec: { ...filter.spec, workloadSelector: { labels: {} } } };
  assert.deepEqual(told([filter, sidecar("x/*")], [observing]), ["update EnvoyFilter", "delete Sidecar"]);
});

test("issue 14: whatever the order in which a renderer gives objects, they are written in that of the table of rendered kinds", () => {
  assert.deepEqual(told([], [sidecar("x/*"), filter]), ["create EnvoyFilter", "create Sidecar"]);
  assert.deepEqual(told([sidecar("x/*"), filter], []), ["delete Sidecar", "delete EnvoyFilter"]);
});

test("law: carrying out a plan gives the desired objects, and a second plan is empty", () => {
  const objects = fc.subarray<RenderedObject>([filter, sidecar("x/*")]).chain((kept) => fc.constant(kept));
  const desired = fc.subarray<RenderedObject>([filter, sidecar("x/*", "y/*")]);
  fc.assert(
    fc.property(objects, desired, (owned, wanted) => {
      const result = new Map(owned.map((object) => [object.kind, object]));
      for (const change of plan(OWNER, owned, wanted)) {
        if (change.action === "delete") result.delete(change.object.kind);
        else result.set(change.object.kind, change.object);
      }
      assert.deepEqual([...result.values()].sort(byKind), [...wanted].sort(byKind));
      assert.deepEqual(plan(OWNER, [...result.values()], wanted), []);
    }),
  );
});

function byKind(a: RenderedObject, b: RenderedObject): number {
  return a.kind < b.kind ? -1 : 1;
}
