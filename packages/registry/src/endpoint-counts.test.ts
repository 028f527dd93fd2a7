import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointSlice } from "@fenceline/api";
import { allNew } from "@fenceline/api/vocabulary";
import { readinessChanged, servicesOfSlice } from "./endpoint-counts.ts";
import { RecordedLookup } from "./recorded-lookup.ts";
import { Registry } from "./registry.ts";

/** A slice of Service `web`; addresses with `!` are not ready. */
function slice(name: string, addresses: readonly string[], more: object = {}, service = "web"): EndpointSlice {
  return EndpointSlice.parse({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name, labels: { "kubernetes.io/service-name": service } },
    endpoints: addresses.map((address) => ({ addresses: [address.replace("!", "")], conditions: { ready: !address.startsWith("!") } })),
    ports: [{ name: "http", port: 80 }],
    ...more,
  });
}

function readyOf(...endpointSlices: readonly EndpointSlice[]): number {
  return new Registry({ services: [], endpointSlices }).readyEndpoints("shop", "web");
}

test("issue 14: ready endpoints of a Service are counted once each, over slices and address families", () => {
  assert.equal(readyOf(), 0);
  assert.equal(readyOf(slice("a", ["10.0.0.1", "10.0.0.2", "!10.0.0.3"])), 2);
  assert.equal(readyOf(slice("a", ["10.0.0.1", "10.0.0.2"]), slice("b", ["10.0.0.2", "10.0.0.3"])), 3);
  assert.equal(readyOf(slice("a", ["10.0.0.1", "10.0.0.2"]), slice("b", ["fd00::1"], { addressType: "IPv6" })), 2);
  assert.equal(readyOf(slice("a", ["10.0.0.1"], {}, "other")), 0);
});

test("issue 14: the count follows slices that come, change, move to another Service and go", () => {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const counts = () => ["web", "other"].map((name) => registry.readyEndpoints("shop", name));
  assert.deepEqual(counts(), [0, 0]);
  const [first, second] = [slice("a", ["10.0.0.1"]), slice("a", ["10.0.0.1", "10.0.0.2"])];
  registry.apply({ endpointSlices: allNew([first]) });
  assert.deepEqual(counts(), [1, 0]);
  registry.apply({ endpointSlices: [{ before: first, after: second }] });
  assert.deepEqual(counts(), [2, 0]);
  const moved = slice("a", ["10.0.0.1", "10.0.0.2"], {}, "other");
  registry.apply({ endpointSlices: [{ before: second, after: moved }] });
  assert.deepEqual(counts(), [0, 2]);
  registry.apply({ endpointSlices: [{ before: moved, after: undefined }] });
  assert.deepEqual(counts(), [0, 0]);
});

test("issue 14: whoever counts endpoints is known by it, and a slice that leaves them as they are is no news", () => {
  const lookup = new RecordedLookup(new Registry({ services: [], endpointSlices: [slice("a", ["10.0.0.1"])] }));
  assert.equal(lookup.readyEndpoints("shop", "web"), 1);
  assert.deepEqual([[...lookup.reads.endpoints], [...lookup.reads.names]], [["shop/web"], []]);
  const before = slice("a", ["10.0.0.1", "!10.0.0.2"]);
  const others = [slice("a", ["10.0.0.1", "10.0.0.2"]), slice("a", ["10.0.0.2"]), slice("a", ["10.0.0.1"], {}, "other"), undefined];
  for (const after of others) assert.equal(readinessChanged({ before, after }), true);
  const port = { ports: [{ name: "http", port: 81 }] };
  for (const after of [slice("a", ["10.0.0.1"]), slice("a", ["10.0.0.1"], port)]) assert.equal(readinessChanged({ before, after }), false);
  assert.deepEqual([...servicesOfSlice({ before, after: slice("a", [], {}, "other") })], ["shop/web", "shop/other"]);
});
