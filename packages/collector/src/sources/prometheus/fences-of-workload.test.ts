import assert from "node:assert/strict";
import { test } from "node:test";
import { meshOf } from "../../testing/mesh.ts";
import { fencesOfWorkload } from "./fences-of-workload.ts";
import type { Workload } from "./read-edges.ts";

const fence = (name: string, spec = "") =>
  `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: test1}, spec: {enable: true${spec}}}`;
const selecting = (labels: string) => `, workloadSelector: {labels: {${labels}}}`;

const workload = (fields: Partial<Workload>): Workload => ({
  ...{ namespace: "test1", name: "", app: "", version: "", canonicalService: "" },
  ...fields,
});

const namesIn = (manifests: readonly string[], fields: Partial<Workload>) =>
  fencesOfWorkload(workload(fields), meshOf(manifests.join("\n---\n"))).map(({ name }) => name);

test("a workload is of the fences that select its pods by the labels that metrics repeat", () => {
  const fences = [
    fence("a"),
    fence("a-canary", selecting("app: a, version: v2")),
    fence("kube", selecting("app.kubernetes.io/name: k")),
    fence("canonical", selecting("service.istio.io/canonical-name: k")),
  ];
  assert.deepEqual(namesIn(fences, { app: "a", name: "a-v1", version: "v1" }), ["a"]);
  assert.deepEqual(namesIn(fences, { app: "a", name: "a-v2", version: "v2" }), ["a", "a-canary"]);
  assert.deepEqual(namesIn(fences, { canonicalService: "k", name: "k-v1" }), ["canonical", "kube"]);
  assert.deepEqual(namesIn(fences, { app: "z", name: "z" }), []);
});

test("a fence of another namespace has nothing to do with it, and a workload without a namespace is nobody's", () => {
  assert.deepEqual(namesIn([fence("a")], { app: "a", namespace: "test2" }), []);
  assert.deepEqual(namesIn([fence("a")], { app: "a", namespace: "" }), []);
});

test("where no selector is satisfied, a fence by the name of the canonical service or the workload is taken, unless labels contradict it", () => {
  const byTier = [fence("a", selecting("tier: front"))];
  assert.deepEqual(namesIn(byTier, { canonicalService: "a", name: "a-v1", app: "a" }), ["a"]);
  assert.deepEqual(namesIn(byTier, { name: "a" }), ["a"]);
  assert.deepEqual(namesIn([fence("a", selecting("tier: front, app: other"))], { canonicalService: "a", app: "a" }), []);
});

test("a fence for the pods of its Service is found by the selector of that Service", () => {
  const service =
    "{apiVersion: v1, kind: Service, metadata: {name: shopfront, namespace: test1}, spec: {selector: {app: front}, ports: [{port: 80}]}}";
  const manifests = [service, fence("shopfront", ", workloadSelector: {fromService: true}")];
  assert.deepEqual(namesIn(manifests, { app: "front", name: "front-v1" }), ["shopfront"]);
});
