/** Issue 17: limiters of the pods behind a ServiceEntry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { base, limiters, limiterText, rule } from "../testing/limiters.ts";

const entry = (name: string, labels: object, spec: object = {}, namespace = "shop") =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name, namespace, labels },
    spec: { hosts: ["ext.example.com"], location: "MESH_INTERNAL", ...spec },
  });
const limiter = limiterText("ext", { workloadSelector: {}, host: "EXT.example.com", ...base(rule({}, { quota: "7" })) });

function selectorOf(manifests: readonly string[], config: object = {}) {
  const { objects, status } = limiters([limiter, ...manifests], config)("ext");
  const [filter] = objects;
  const { reason, message } = status.conditions?.find(({ type }) => type === "ResolvedRefs") ?? {};
  return { labels: filter?.kind === "EnvoyFilter" ? filter.spec.workloadSelector?.labels : undefined, reason, message };
}

test("the pods behind a host are those that the selector of its ServiceEntry names", () => {
  const { labels, reason } = selectorOf([entry("ext", { app: "other" }, { workloadSelector: { labels: { app: "ext" } } })]);
  assert.deepEqual([labels, reason], [{ app: "ext" }, "PodsKnown"]);
});

test("lim-49 without a selector they have the labels of the ServiceEntry that are configured, a blank one as default", () => {
  const labels = { app: "ext", tier: "", team: "x" };
  assert.deepEqual(selectorOf([entry("ext", labels)]).labels, { app: "ext" });
  const config = { limiters: { serviceEntryLabels: ["app", "tier"] } };
  assert.deepEqual(selectorOf([entry("ext", labels)], config).labels, { app: "ext", tier: "default" });
});

test("a ServiceEntry of another namespace, or one that tells no labels, names no pods, and the limiter says so", () => {
  const elsewhere = selectorOf([entry("ext", { app: "ext" }, {}, "other")]);
  assert.deepEqual([elsewhere.labels, elsewhere.reason], [undefined, "PodsUnknown"]);
  assert.match(elsewhere.message ?? "", /no ServiceEntry of the namespace has the host EXT\.example\.com/);
  assert.match(selectorOf([entry("ext", { team: "x" })]).message ?? "", /neither a workloadSelector nor a label app/);
});

test("of several ServiceEntries with the host the first by name counts, and a subset adds its labels", () => {
  const subsets = JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "ext", namespace: "shop" },
    spec: { host: "ext.example.com", subsets: [{ name: "v1", labels: { version: "1" } }] },
  });
  const sets = { workloadSelector: {}, host: "ext.example.com", sets: { v1: { descriptor: [rule()] } } };
  const [filter] = limiters([limiterText("ext", sets), subsets, entry("b", { app: "b" }), entry("a", { app: "a" })])("ext").objects;
  assert.deepEqual(filter?.kind === "EnvoyFilter" && filter.spec.workloadSelector?.labels, { app: "a", version: "1" });
});
