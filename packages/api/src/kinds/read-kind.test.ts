import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "../manifest.ts";
import type { AnyObject } from "../object.ts";
import { WELL } from "../testing/well.ts";
import { objectsByKind, type ReadKind } from "./kind.ts";
import { MANIFEST_KINDS, MESH_KINDS, manifestKinds, OWN_KINDS } from "./table.ts";

const MANIFESTS = `
apiVersion: test.fenceline.io/v1
kind: Well
metadata: { name: a, namespace: test1, labels: { written-by: somebody } }
spec: { depth: 3, owner: somebody, rope: long }
---
{apiVersion: v1, kind: Namespace, metadata: {name: test1, uid: u, labels: {team: shop}}}
---
{apiVersion: v1, kind: Node, metadata: {name: node-1}}
`;

test("issue 14: a kind that is only read is read from manifests, in any of its versions, and kept as its line says", () => {
  const kinds = manifestKinds([...MESH_KINDS, WELL], OWN_KINDS) as readonly ReadKind<AnyObject>[];
  const { objects, ignored } = parseManifests(MANIFESTS, "well.yaml", kinds);
  const well = {
    ...{ apiVersion: "test.fenceline.io/v1", kind: "Well" },
    metadata: { name: "a", namespace: "test1", labels: {} },
    spec: { depth: 3 },
  };
  assert.deepEqual(objectsByKind(objects).of(WELL), [well]);
  assert.deepEqual(ignored, [{ kind: "Node", reason: "another kind" }]);
  assert.throws(() => parseManifests(MANIFESTS.replace("depth: 3", "depth: 0"), "well.yaml", kinds), /WELL_INVALID.*spec\.depth/s);
});

test("of a Namespace manifests keep name and labels", () => {
  const { objects, ignored } = parseManifests(MANIFESTS, "well.yaml");
  assert.deepEqual(objects, [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "test1", labels: { team: "shop" } } }]);
  assert.deepEqual(
    ignored.map(({ kind }) => kind),
    ["Well", "Node"],
  );
});

test("no two kinds of the tables have one name: objects are looked up by it", () => {
  const ROUTES = ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"];
  const POLICIES = ["EnvoyFilter", "RequestAuthentication", "WasmPlugin", "TrafficExtension", "AuthorizationPolicy"];
  const names = [...MESH_KINDS, ...OWN_KINDS].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    MANIFEST_KINDS.map(({ name }) => name),
    [
      "Namespace",
      "Service",
      "EndpointSlice",
      "ServiceEntry",
      "VirtualService",
      "DestinationRule",
      ...ROUTES,
      ...POLICIES,
      "ServiceFence",
      "SmartLimiter",
    ],
  );
});
