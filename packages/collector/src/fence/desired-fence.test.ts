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

test("T-17 a selector that names no namespace or Service is left out of the Sidecar, the rest is rendered, and Ready says so", () => {
  const spec = "spec: {enable: true, namespaceSelector: [test1, Team_A], labelSelector: [{selector: {app: '-'}}]}";
  const context = contextOfManifests(parseManifests(CAPTURED_MESH.replace("spec: {enable: true}", spec), "test.yaml").objects, CONFIG, 0);
  const { reconciler, triggers } = serviceFences(context);
  for (const fence of context.mesh().fences()) triggers.open(fence);
  const seen = reconciler.observe(A);
  assert.ok(seen !== undefined);
  const { objects, status } = reconciler.desired(seen);
  const hosts = objects.flatMap((object) => (object.kind === "Sidecar" ? object.spec.egress.flatMap((each) => each.hosts) : []));
  assert.ok(hosts.includes("test1/*"));
  assert.ok(!hosts.some((host) => host.includes("Team_A")));
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  assert.match(ready?.message ?? "", /; spec\.namespaceSelector\[1\] 'Team_A' is no namespace, and left out; spec\.labelSelector\[0\] /);
});
