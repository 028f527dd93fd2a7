import assert from "node:assert/strict";
import { test } from "node:test";
import { MANIFEST_KINDS } from "./kinds/table.ts";
import { InvalidManifests, parseManifests } from "./manifest.ts";

/** A fence with this spec, in lines of YAML. */
function fence(spec: string, metadata = ""): string {
  return `apiVersion: microservice.slime.io/v1alpha1
kind: ServiceFence
metadata: {name: a, namespace: b${metadata}}
spec:
${spec}`;
}

const LIMITER = `apiVersion: microservice.slime.io/v1alpha2
kind: SmartLimiter
metadata: {name: a, namespace: b}
spec:
  sets: {__proto__: {descriptor: [{action: {fill_interval: {seconds: 1}, quota: "1"}, condition: "true"}]}}
`;

for (const [name, text, line, path] of [
  ["host", fence("  host:\n    a.b.svc.cluster.local: null\n    __proto__: {stable: {}}"), 7, "spec.host.__proto__"],
  ["host in quotes", fence('  host:\n    "__proto__": null'), 6, "spec.host.__proto__"],
  ["label of the pods", fence('  workloadSelector: {app: x, "__proto__": y}'), 5, "spec.workloadSelector.__proto__"],
  ["label of the fence", fence("  enable: true", ", labels: {__proto__: y}"), 3, "metadata.labels.__proto__"],
  ["annotation", fence("  enable: true", ", annotations: {__proto__: y}"), 3, "metadata.annotations.__proto__"],
  ["set", LIMITER, 5, "spec.sets.__proto__"],
] as const) {
  test(`a ${name} that is called __proto__ is a fault with its line, and is not dropped`, () => {
    assert.throws(
      () => parseManifests(text, "f.yaml"),
      (error) =>
        error instanceof InvalidManifests &&
        error.message.includes(`f.yaml:${line} `) &&
        error.message.includes(`${path}: this name cannot be used`),
    );
  });
}

test("the other hosts of a fence with a host that is called __proto__ count where its rest does", () => {
  const { objects, leftOut } = parseManifests(
    fence("  host:\n    a.b.svc.cluster.local: null\n    __proto__: null"),
    "f.yaml",
    MANIFEST_KINDS,
    true,
  );
  const [{ spec, fault }] = objects as unknown as [{ spec: { host: object }; fault: string }];
  assert.deepEqual(Object.keys(spec.host), ["a.b.svc.cluster.local"]);
  assert.match(fault, /spec\.host\.__proto__: this name cannot be used/);
  assert.equal(leftOut.length, 1);
});

test("nothing is for whoever a fence with a label that is called __proto__ would select without it", () => {
  assert.throws(
    () => parseManifests(fence("  workloadSelector: {app: x, __proto__: y}"), "f.yaml", MANIFEST_KINDS, true),
    InvalidManifests,
  );
});
