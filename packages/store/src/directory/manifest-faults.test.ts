import assert from "node:assert/strict";
import { test } from "node:test";
import { type FencelineError, fenceRef, InvalidManifests, OWN_KINDS, parseManifests, SERVICE_FENCE } from "@fenceline/api";
import { ManifestFaults } from "./manifest-faults.ts";

const fenceNamed = (name: string, spec: object) =>
  JSON.stringify({ apiVersion: SERVICE_FENCE.apiVersions[0], kind: "ServiceFence", metadata: { name, namespace: "test1" }, spec });

function faultsIn(...objects: readonly string[]): FencelineError {
  try {
    parseManifests(objects.join("\n---\n"), "f.yaml");
  } catch (error) {
    assert.ok(error instanceof InvalidManifests);
    return error;
  }
  throw new Error("nothing is wrong");
}

test("T-17 each object of a file that is not valid has its own faults, and is told when they are others or none", () => {
  const faults = new ManifestFaults(OWN_KINDS);
  const error = faultsIn(fenceNamed("a", { idleWindow: "soon", maxHosts: 0 }), fenceNamed("b", { maxHosts: 0 }), fenceNamed("c", {}));
  const [a, b] = ["a", "b"].map((name) => fenceRef({ namespace: "test1", name }));
  assert.ok(a !== undefined && b !== undefined);
  assert.deepEqual(faults.take([error]), [a, b]);
  assert.match(faults.messageOf(a) ?? "", /^spec\.idleWindow: .*; spec\.maxHosts: /);
  assert.deepEqual(faults.of(SERVICE_FENCE), [a, b]);
  assert.deepEqual(faults.take([error]), []);
  assert.deepEqual(faults.take([faultsIn(fenceNamed("a", { maxHosts: 0 }))]), [a, b]);
  assert.deepEqual(faults.take([]), [a]);
  assert.equal(faults.messageOf(a), undefined);
});

test("T-17 what is no name of an object becomes none of a file", () => {
  const faults = new ManifestFaults(OWN_KINDS);
  for (const name of ["../../x", "A", "a b", ""]) assert.deepEqual(faults.take([faultsIn(fenceNamed(name, { maxHosts: 0 }))]), [], name);
});
