import assert from "node:assert/strict";
import { test } from "node:test";
import { type Kind, type ObjectChange, parseManifests, refText, SERVICE_FENCE, type ServiceFence } from "@fenceline/api";
import type { MeshChanges } from "@fenceline/store";
import { contextOfManifests } from "../manifest-context.ts";
import { CAPTURED_MESH, CONFIG, fenceOf, streamOf } from "../testing/mesh.ts";
import { serviceFences } from "./service-fences.ts";

const A = { namespace: "test1", name: "a" };
const NEIGHBOUR = { namespace: "test1", name: "neighbour" };

function changesOf(fences: readonly ObjectChange<ServiceFence>[], foreign: readonly string[] = []): MeshChanges {
  const of = <O>({ name }: Kind) =>
    (name === SERVICE_FENCE.name ? fences : []) as readonly ObjectChange<unknown>[] as readonly ObjectChange<O>[];
  return { defaultSidecars: [], meshConfigs: [], disturbed: [], faults: [], foreign, of };
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
  triggers.keepUp(changes);
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
    triggers.keepUp(changes);
    assert.equal(triggers.interval(), interval);
  }
});

test("issue 14: a Sidecar of somebody else concerns the fences of its namespace, and no others", () => {
  const fences = ["other", "third"].map(
    (name) => `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: shop}}`,
  );
  const context = contextOfManifests(parseManifests([CAPTURED_MESH, ...fences].join("\n---\n"), "mesh.yaml").objects, CONFIG, 0);
  const { triggers } = serviceFences(context);
  const concerned = (...foreign: string[]) => {
    const found = triggers.concernedBy(changesOf([], foreign));
    return found === "all" ? found : found.map(refText).sort();
  };
  assert.deepEqual(concerned("shop"), ["ServiceFence shop/other", "ServiceFence shop/third"]);
  assert.deepEqual(concerned("test1", "empty"), ["ServiceFence test1/a"]);
  assert.deepEqual(concerned(), []);
});

test("issue 14: the event of a status that is being written here is no news, also where it comes before the answer", () => {
  const context = contextOfManifests(parseManifests(CAPTURED_MESH, "mesh.yaml").objects, CONFIG, 0);
  const { triggers } = serviceFences(context);
  const before = context.mesh().fence(A);
  assert.ok(before !== undefined);
  triggers.open(before);
  const after = { ...before, status: { ...before.status, reset: "1" } };
  assert.deepEqual([triggers.isNews({ before, after, isOurs: true }), triggers.isNews({ before, after })], [false, true]);
});

test("issue 14: whom a change concerns is a question: asked twice, it has the same answer, until it was kept up with", () => {
  const state = { ready: true };
  const context = contextOfManifests(parseManifests(CAPTURED_MESH, "mesh.yaml").objects, CONFIG, 0);
  const { triggers } = serviceFences({ ...context, fallbackReady: () => state.ready });
  const { telemetry } = context;
  telemetry.proxyTold(streamOf({}), A, "1.20.0");
  const mesh = context.mesh();
  const changes = changesOf([{ before: mesh.fence(A), after: undefined }]);
  mesh.apply(changes, {});
  state.ready = false;
  assert.deepEqual([triggers.concernedBy(changes), triggers.concernedBy(changes)], ["all", "all"]);
  assert.deepEqual(telemetry.proxyVersions(NEIGHBOUR), ["1.20.0"], "it forgets nothing");
  triggers.keepUp(changes);
  assert.deepEqual([triggers.concernedBy(changes), telemetry.proxyVersions(NEIGHBOUR)], [[], []]);
});

/** An object that counts each look into it, however deep. */
function counted<T extends object>(object: T, looks: { count: number }): T {
  return new Proxy(object, {
    get(target, name, receiver) {
      looks.count += 1;
      const value = Reflect.get(target, name, receiver);
      return typeof value === "object" && value !== null ? counted(value, looks) : value;
    },
  });
}

test("issue 14: the end of one fence costs a look at that one, however many others there are, with proxies that told their version", () => {
  const context = contextOfManifests(parseManifests(CAPTURED_MESH, "mesh.yaml").objects, CONFIG, 0);
  const { telemetry } = context;
  const mesh = context.mesh();
  const looks = { count: 0 };
  const others = Array.from({ length: 200 }, (_, at) => {
    const { metadata, ...rest } = fenceOf({ idleWindow: `${at + 20}s` });
    return counted({ ...rest, metadata: { ...metadata, name: `other-${at}` } }, looks);
  });
  mesh.apply(changesOf(others.map((after) => ({ before: undefined, after }))), {});
  const { triggers } = serviceFences(context);
  for (const { metadata } of others)
    telemetry.proxyTold(streamOf({}), counted({ namespace: "test1", name: metadata.name }, looks), "1.29.0");
  const gone = mesh.fence(A);
  telemetry.proxyTold(streamOf({}), A, "1.20.0");
  looks.count = 0;
  const changes = changesOf([{ before: gone, after: undefined }]);
  mesh.apply(changes, {});
  assert.deepEqual(triggers.concernedBy(changes), []);
  triggers.keepUp(changes);
  assert.equal(triggers.interval(), 1_000);
  assert.equal(looks.count, 0);
  assert.deepEqual(
    [telemetry.proxyVersions(A), telemetry.proxyVersions({ namespace: "test1", name: "other-0" })],
    [["1.29.0"], ["1.29.0"]],
  );
});
