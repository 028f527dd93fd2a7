import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceFence } from "@fenceline/api";
import { NewFences } from "./new-fences.ts";

function fence(name: string, observedUntil?: string): ServiceFence {
  return ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name, namespace: "test1" },
    spec: { enable: true },
    status: { ...(observedUntil !== undefined && { observedUntil }) },
  });
}

const names = (fences: readonly { readonly name: string }[]) => fences.map(({ name }) => name);
const OLD = fence("old", "2026-11-01T00:00:00.000Z");

test("a fence that nobody observed yet is new, and one that comes later, until its history was told", () => {
  const fences = new NewFences();
  const first = fences.of([OLD, fence("a")]);
  assert.deepEqual(names(first), ["a"]);
  fences.done(first);
  const later = fences.of([OLD, fence("a"), fence("b", "2026-11-01T00:00:00.000Z")]);
  assert.deepEqual(names(later), ["b"]);
  fences.done(later);
  assert.deepEqual(names(fences.of([OLD, fence("a"), fence("b")])), []);
});

test("a history that is never told is asked for three times", () => {
  const fences = new NewFences();
  for (let tries = 0; tries < 3; tries += 1) fences.failed(fences.of([fence("a")]));
  assert.deepEqual(names(fences.of([fence("a")])), []);
});

test("a fence that was deleted is new when it comes again", () => {
  const fences = new NewFences();
  fences.done(fences.of([fence("a")]));
  fences.of([]);
  assert.deepEqual(names(fences.of([fence("a")])), ["a"]);
});

test("a replica that asks again later takes those for known that others have observed", () => {
  const fences = new NewFences();
  fences.of([OLD]);
  fences.forget();
  assert.deepEqual(names(fences.of([OLD, fence("a", "2026-11-01T00:00:00.000Z"), fence("b")])), ["b"]);
});
