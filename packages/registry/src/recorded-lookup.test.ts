import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests, SERVICE } from "@fenceline/api";
import { RecordedLookup } from "./recorded-lookup.ts";
import { Registry } from "./registry.ts";

const SERVICES = [
  "{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {ports: [{port: 80}]}}",
  "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: None, ports: [{port: 80}]}}",
  "{apiVersion: v1, kind: Service, metadata: {name: stage, namespace: test1}, spec: {clusterIP: None, ports: [{port: 80}]}}",
].join("\n---\n");

function recorded() {
  const registry = new Registry({ services: parseManifests(SERVICES, "s.yaml", [SERVICE]).objects, endpointSlices: [] });
  return { registry, lookup: new RecordedLookup(registry) };
}

test("issue 14: a look-up asks for no more names than decide it, and is remembered by them", () => {
  for (const [host, names] of [
    ["b", ["test1/b"]],
    ["b.test1", ["test1/b"]],
    ["c.test1", ["test1/c"]],
    ["b.test1.svc.cluster.local", ["test1/b"]],
    ["web-0.web.shop.svc.cluster.local", ["shop/web"]],
    ["web.shop", ["shop/web"]],
  ] as const) {
    const { registry, lookup } = recorded();
    assert.equal(lookup.resolveHost(host, "test1"), registry.resolveHost(host, "test1"), host);
    assert.ok(
      [...names].every((name) => lookup.reads.names.has(name)),
      host,
    );
    assert.ok(lookup.reads.names.size <= 2, host);
  }
  // A pod of `stage` in the caller's namespace comes before a Service of a namespace `stage`.
  const { lookup } = recorded();
  assert.equal(lookup.resolveHost("web.stage", "test1")?.metadata.name, "stage");
  assert.deepEqual([...lookup.reads.names], ["test1/stage"]);
});
