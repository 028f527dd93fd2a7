import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests, SERVICE_FENCE } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { egressHosts } from "./egress-hosts.ts";
import { selectorRemarks } from "./selector-remarks.ts";

function fenceWith(spec: object) {
  const manifest = { apiVersion: SERVICE_FENCE.apiVersions[0], kind: "ServiceFence", metadata: { name: "a", namespace: "test1" }, spec };
  const [fence] = parseManifests(JSON.stringify(manifest), "fence.yaml", [SERVICE_FENCE]).objects;
  assert.ok(fence !== undefined);
  return fence;
}

test("T-17 an entry of namespaceSelector that is no namespace does not come into the Sidecar, and is told; the others do", () => {
  const wrong = ["Team_A", "team-a/", "", "a.b", "-a", "~", "team a", "x".repeat(64), "a/*"];
  const fence = fenceWith({ namespaceSelector: ["team-a", ...wrong, "*", ".", "9"] });
  const hosts = egressHosts({ fence, booked: [], registry: new Registry({ services: [], endpointSlices: [] }), now: 0 });
  assert.deepEqual(hosts.map(({ egress }) => egress).sort(), ["*/*", "./*", "9/*", "team-a/*"]);
  const remarks = selectorRemarks(fence.spec);
  assert.equal(remarks.length, wrong.length);
  assert.equal(remarks[0], "spec.namespaceSelector[1] 'Team_A' is no namespace, and left out");
});

test("T-17 a labelSelector that no Service can match is told", () => {
  const labelSelector = [{ selector: { app: "b" } }, { selector: { app: "b", "a b": "c" } }, { selector: { app: "-" } }, {}];
  assert.deepEqual(selectorRemarks(fenceWith({ labelSelector }).spec), [
    "spec.labelSelector[1] selects nothing: no Service can have the label a b: 'c'",
    "spec.labelSelector[2] selects nothing: no Service can have the label app: '-'",
  ]);
});
