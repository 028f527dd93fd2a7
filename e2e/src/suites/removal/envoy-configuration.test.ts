import assert from "node:assert/strict";
import { test } from "node:test";
import { configurationIn, differences } from "./envoy-configuration.ts";

const clusters = (...names: string[]) => ({
  "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
  version_info: "7",
  dynamic_active_clusters: names.map((name, index) => ({
    version_info: String(index),
    cluster: { name, type: "EDS" },
    last_updated: "now",
  })),
});
const routes = (...virtualHosts: unknown[]) => ({
  "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
  dynamic_route_configs: [{ route_config: { name: "80", virtual_hosts: virtualHosts } }],
});

test("versions, times, and the order of items and virtual hosts make no difference", () => {
  const one = configurationIn([clusters("a", "b"), routes({ name: "x", domains: ["x"] }, { name: "y", domains: ["y"] })]);
  const other = configurationIn([routes({ domains: ["y"], name: "y" }, { name: "x", domains: ["x"] }), clusters("b", "a")]);
  assert.deepEqual(differences(one, other), []);
});

test("what went, what came and what changed is named", () => {
  const before = configurationIn([clusters("a", "b"), routes({ name: "x", routes: [1, 2] })]);
  const after = configurationIn([clusters("b", "c"), routes({ name: "x", routes: [2, 1] })]);
  assert.deepEqual(differences(before, after), [
    "- ClustersConfigDump.dynamic_active_clusters a",
    "+ ClustersConfigDump.dynamic_active_clusters c",
    "~ RoutesConfigDump.dynamic_route_configs 80",
  ]);
});
