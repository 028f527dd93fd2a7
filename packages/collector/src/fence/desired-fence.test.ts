import assert from "node:assert/strict";
import { test } from "node:test";
import { fenceRef } from "@fenceline/api";
import { CAPTURED_MESH, CONFIG, meshOf } from "../testing/mesh.ts";
import { fencesOfManifests } from "./fences-of-manifests.ts";

const A = fenceRef({ namespace: "test1", name: "a" });

test("issue 14: what a fence asks for depends on what was observed alone, whatever has changed since", () => {
  const mesh = meshOf(
    CAPTURED_MESH.replace("spec: {enable: true}", "spec: {enable: true, host: {b: {}}, workloadSelector: {fromService: true}}"),
  );
  const reconciler = fencesOfManifests(mesh, CONFIG, 0);
  const seen = reconciler.observe(A);
  assert.ok(seen !== undefined);
  const before = reconciler.desired(seen);
  assert.equal(before.refused?.reason, "ServiceNotFound");
  const services = mesh.registry.services().map((service) => ({ before: service, after: undefined }));
  mesh.registry.apply({ services });
  assert.deepEqual(reconciler.desired(seen), before);
  assert.deepEqual(reconciler.desired(structuredClone(seen)), before);
  const other = reconciler.observe(A);
  assert.ok(other !== undefined);
  const domains = [before, reconciler.desired(other)].map(({ status }) => Object.keys(status.domains));
  assert.deepEqual(domains, [["b.test1.svc.cluster.local"], ["b"]]);
});
