import assert from "node:assert/strict";
import { test } from "node:test";
import { type Kind, type ObjectChange, parseManifests, SERVICE_FENCE, type ServiceFence } from "@fenceline/api";
import type { MeshChanges } from "@fenceline/store";
import { contextOfManifests } from "../manifest-context.ts";
import { CAPTURED_MESH, CONFIG, streamOf } from "../testing/mesh.ts";
import { serviceFences } from "./service-fences.ts";

const A = { namespace: "test1", name: "a" };
const NEIGHBOUR = { namespace: "test1", name: "neighbour" };

function changesOf(fences: readonly ObjectChange<ServiceFence>[]): MeshChanges {
  const of = <O>({ name }: Kind) =>
    (name === SERVICE_FENCE.name ? fences : []) as readonly ObjectChange<unknown>[] as readonly ObjectChange<O>[];
  return { defaultSidecars: [], meshConfigs: [], disturbed: [], foreign: [], of };
}

test("what the proxies of a fence told of their version says nothing of its namespace any more once the fence is gone", () => {
  const context = contextOfManifests(parseManifests(CAPTURED_MESH, "mesh.yaml").objects, CONFIG, 0);
  const { triggers } = serviceFences(context);
  const { telemetry } = context;
  const mesh = context.mesh();
  telemetry.proxyTold(streamOf({}), A, "1.20.0");
  assert.deepEqual(telemetry.proxyVersions(NEIGHBOUR), ["1.20.0"]);
  const changes = changesOf([{ before: mesh.fence(A), after: undefined }]);
  mesh.apply(changes, {});
  triggers.concernedBy(changes);
  assert.deepEqual(telemetry.proxyVersions(NEIGHBOUR), []);
});

test("rounds follow the shortest window that there is, and go on as before once it is gone", () => {
  const context = contextOfManifests(parseManifests(CAPTURED_MESH, "mesh.yaml").objects, CONFIG, 0);
  const { triggers } = serviceFences(context);
  const mesh = context.mesh();
  const [usual, before] = [triggers.interval(), mesh.fence(A)];
  assert.ok(before !== undefined);
  const after = { ...before, spec: { ...before.spec, idleWindow: "10s" } };
  for (const [change, interval] of [
    [{ before, after }, 500],
    [{ before: after, after: undefined }, usual],
  ] as const) {
    const changes = changesOf([change]);
    mesh.apply(changes, {});
    triggers.concernedBy(changes);
    assert.equal(triggers.interval(), interval);
  }
});
