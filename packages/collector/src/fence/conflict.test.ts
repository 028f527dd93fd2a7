import assert from "node:assert/strict";
import { test } from "node:test";
import { type Labels, ServiceFence } from "@fenceline/api";
import { conflictingSidecars, defaultOutbound, replacedDefaults } from "./conflict.ts";

const FENCE = ServiceFence.parse({
  apiVersion: "microservice.slime.io/v1alpha1",
  kind: "ServiceFence",
  metadata: { name: "a", namespace: "test1" },
});
const LABELS = { app: "a" };
const conflictsWith = (name: string, selector: Labels | undefined, labels: Labels | undefined = LABELS) =>
  conflictingSidecars(FENCE, labels, [{ namespace: "test1", name, selector }]);

test("a Sidecar with the same selector, a narrower or a wider one is a conflict", () => {
  assert.deepEqual(conflictsWith("theirs", { app: "a" }), ["test1/theirs"]);
  assert.deepEqual(conflictsWith("theirs", { app: "a", version: "v1" }), ["test1/theirs"]);
  assert.deepEqual(conflictsWith("theirs", { app: "a" }, { app: "a", version: "v1" }), ["test1/theirs"]);
});

test("one for other pods is none", () => {
  assert.deepEqual(conflictsWith("theirs", { app: "b" }), []);
  assert.deepEqual(conflictsWith("theirs", { app: "a", version: "v2" }, { app: "a", version: "v1" }), []);
  assert.deepEqual(conflictsWith("theirs", { tier: "web" }), []);
});

test("one for the whole namespace gives way to ours, and is none", () => {
  assert.deepEqual(conflictsWith("default", undefined), []);
});

test("one that has our name is a conflict whatever it selects, since ours could not be written", () => {
  assert.deepEqual(conflictsWith("a", undefined), ["test1/a"]);
  assert.deepEqual(conflictsWith("a", { app: "b" }, undefined), ["test1/a"]);
});

const sidecar = (namespace: string, name: string, settings?: readonly string[], selector?: Labels) => ({
  ...{ namespace, name, selector },
  ...(settings && { settings }),
});

test("issue 16: a default Sidecar that says more than hosts is not replaced; that of the namespace goes before the root namespace's", () => {
  const root = [sidecar("istio-system", "default", ["outboundTrafficPolicy.egressProxy"])];
  assert.deepEqual(replacedDefaults([], root), ["istio-system/default (outboundTrafficPolicy.egressProxy)"]);
  assert.deepEqual(replacedDefaults([sidecar("test1", "default")], root), []);
  const own = [sidecar("test1", "default", ["egress.port", "ingress"])];
  assert.deepEqual(replacedDefaults(own, root), ["test1/default (egress.port, ingress)"]);
  const ofPods = [sidecar("test1", "b", undefined, { app: "b" })];
  assert.deepEqual(replacedDefaults(ofPods, []), []);
  assert.equal(replacedDefaults(ofPods, root).length, 1, "one for some pods is no default");
});

test("issue 16: the policy of the namespace's default Sidecar counts, else the root namespace's; of several the strictest", () => {
  const closed = { ...sidecar("test1", "default"), outbound: "REGISTRY_ONLY" } as const;
  const open = { ...sidecar("test1", "open"), outbound: "ALLOW_ANY" } as const;
  const silent = sidecar("test1", "silent");
  assert.equal(defaultOutbound([], []), undefined);
  assert.equal(defaultOutbound([closed], [open]), "REGISTRY_ONLY");
  assert.equal(defaultOutbound([open], [closed]), "ALLOW_ANY");
  assert.equal(defaultOutbound([], [closed]), "REGISTRY_ONLY");
  assert.equal(defaultOutbound([silent], [closed]), undefined, "one without a policy leaves it to MeshConfig");
  assert.equal(defaultOutbound([open, silent], []), undefined);
  assert.equal(defaultOutbound([open, silent, closed], []), "REGISTRY_ONLY");
  const ofPods = { ...sidecar("test1", "b", undefined, { app: "b" }), outbound: "ALLOW_ANY" } as const;
  assert.equal(defaultOutbound([ofPods], [closed]), "REGISTRY_ONLY", "one for some pods is no default");
});

test("T-08 a label by the name of what every object has is a label like others", () => {
  const labels = { app: "a", constructor: "x" };
  assert.deepEqual(conflictsWith("theirs", labels, LABELS), ["test1/theirs"]);
  assert.deepEqual(conflictsWith("theirs", LABELS, labels), ["test1/theirs"]);
  assert.deepEqual(conflictsWith("theirs", { ...labels, constructor: "y" }, labels), []);
});
