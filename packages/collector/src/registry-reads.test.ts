import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDPOINT_SLICE, EndpointSlice, type ObjectChange, type ReadKind } from "@fenceline/api";
import { RegistryReads } from "./registry-reads.ts";

const READER = { kind: "Pump", namespace: "shop", name: "a" };

function sliceOf(service: string, ready: boolean): EndpointSlice {
  return EndpointSlice.parse({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name: `${service}-1`, labels: { "kubernetes.io/service-name": service } },
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }],
  });
}

test("issue 14: other ready endpoints are told to those alone who counted them", () => {
  const reads = new RegistryReads();
  const none = new Set<string>();
  reads.set(READER, [{ names: none, endpoints: new Set(["shop/web"]), labels: none, all: false, tcp: false }]);
  reads.set({ ...READER, name: "b" }, [{ names: new Set(["shop/web"]), endpoints: none, labels: none, all: true, tcp: true }]);
  const concernedBy = (change: ObjectChange<EndpointSlice>) =>
    reads.concernedBy({
      of: <O>(kind: ReadKind<O>) =>
        ((kind as unknown) === ENDPOINT_SLICE ? [change] : []) as readonly object[] as readonly ObjectChange<O>[],
    });
  assert.deepEqual(concernedBy({ before: sliceOf("web", true), after: sliceOf("web", false) }), [READER]);
  assert.deepEqual(concernedBy({ before: sliceOf("web", true), after: sliceOf("web", true) }), []);
  assert.deepEqual(concernedBy({ before: sliceOf("other", true), after: undefined }), []);
  reads.delete(READER);
  assert.deepEqual(concernedBy({ before: sliceOf("web", true), after: undefined }), []);
});
