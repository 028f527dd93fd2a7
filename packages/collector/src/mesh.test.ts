import assert from "node:assert/strict";
import { test } from "node:test";
import { SERVICE, type Service } from "@fenceline/api";
import type { MeshChanges } from "@fenceline/store";
import { Mesh } from "./mesh.ts";
import { CAPTURED_MESH, CONFIG, changesOf, meshOf, snapshotOf } from "./testing/mesh.ts";

const B = "b.test1.svc.cluster.local";
const NOTHING: MeshChanges = { of: () => [], defaultSidecars: [], meshConfigs: [], disturbed: [], faults: [], foreign: [] };

test("T-10 a cluster that does not exist is not remembered, however many there are and however long", () => {
  const mesh = meshOf();
  for (let index = 0; index < 30_000; index += 1) {
    assert.equal(mesh.destinationOfCluster(`outbound|80||${"x".repeat(index % 400)}${index}.test1.svc.cluster.local`), undefined);
  }
  assert.equal(mesh.rememberedCharacters, 0);
});

test("T-10 made-up subsets of a host that exists are remembered within a bound, and keep nobody else from being remembered", () => {
  const mesh = meshOf();
  for (let index = 0; index < 50_000; index += 1) {
    assert.deepEqual(mesh.destinationOfCluster(`outbound|80|subset-${index}|${B}`), { host: B, port: 80 });
    assert.ok(mesh.rememberedCharacters <= 1_500_000);
  }
  const cluster = `outbound|80||${B}`;
  assert.deepEqual(mesh.destinationOfCluster(cluster), { host: B, port: 80 });
  assert.equal(mesh.destinationOfCluster(cluster), mesh.destinationOfCluster(cluster), "the second look-up is from memory");
});

for (const [what, rootNamespace, told, roots] of [
  ["Istio's, where nobody names another", undefined, undefined, ["istio-system"]],
  ["MeshConfig's", undefined, "root-1", ["root-1"]],
  ["the configuration's", "root-0", undefined, ["root-0"]],
  ["both, where they disagree", "root-0", "root-1", ["root-0", "root-1"]],
] as const) {
  test(`T-05 a default Sidecar counts for the mesh in the root namespace that is ${what}`, () => {
    const meshConfigs = [{ outbound: "ALLOW_ANY" as const, rootNamespace: told }];
    const { controlPlanes } = new Mesh({ ...snapshotOf(CAPTURED_MESH), meshConfigs }, { ...CONFIG, rootNamespace });
    assert.deepEqual(
      controlPlanes,
      roots.map((root) => ({ outbound: "ALLOW_ANY", rootNamespace: root })),
    );
  });
}

test("what a cluster stands for is never that of a Service as it was", () => {
  const mesh = meshOf();
  const cluster = `outbound|80||${B}`;
  const [before] = mesh.registry.servicesIn("test1");
  assert.ok(before?.metadata.name === "b");
  const told = (after: Service | undefined, known = before) =>
    mesh.apply({ ...NOTHING, ...changesOf(SERVICE, [{ before: known, after }]) }, {});
  assert.deepEqual(mesh.destinationOfCluster(cluster), { host: B, port: 80 });
  told(undefined);
  assert.equal(mesh.destinationOfCluster(cluster), undefined);
  assert.equal(mesh.rememberedCharacters, 0);
  told(before);
  assert.deepEqual(mesh.destinationOfCluster(cluster), { host: B, port: 80 });
  told({ ...before, spec: { ...before.spec, ports: [{ name: "http", port: 81, protocol: "TCP" }] } });
  assert.equal(mesh.destinationOfCluster(cluster), undefined);
});

test("a change of MeshConfig is in the configuration", () => {
  const mesh = meshOf();
  const meshConfig = { outbound: "REGISTRY_ONLY" as const, rootNamespace: "root-1" };
  mesh.apply({ ...NOTHING, meshConfigs: [{ before: undefined, after: meshConfig }] }, { meshConfigs: [meshConfig] });
  assert.deepEqual(mesh.config.meshRootNamespaces, ["root-1"]);
  assert.deepEqual(mesh.controlPlanes, [{ outbound: "REGISTRY_ONLY", rootNamespace: "root-1" }]);
});
