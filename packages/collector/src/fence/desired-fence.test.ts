import assert from "node:assert/strict";
import { test } from "node:test";
import { fenceRef, parseManifests } from "@fenceline/api";
import { contextOfManifests } from "../manifest-context.ts";
import { CAPTURED_MESH, CONFIG } from "../testing/mesh.ts";
import { serviceFences } from "./service-fences.ts";

const A = fenceRef({ namespace: "test1", name: "a" });

test("issue 14: what a fence asks for depends on what was observed alone, whatever has changed since", () => {
  const manifests = CAPTURED_MESH.replace(
    "spec: {enable: true}",
    "spec: {enable: true, host: {b: {}}, workloadSelector: {fromService: true}}",
  );
  const context = contextOfManifests(parseManifests(manifests, "test.yaml").objects, CONFIG, 0);
  const mesh = context.mesh();
  const { reconciler, triggers } = serviceFences(context);
  for (const fence of mesh.fences()) triggers.open(fence);
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
