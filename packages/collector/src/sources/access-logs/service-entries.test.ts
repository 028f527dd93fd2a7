import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessLogEntry } from "@fenceline/als";
import { CAPTURED_MESH, entryOf, meshOf } from "../../testing/mesh.ts";
import { alsoCalled } from "./also-called.ts";
import { destinationOf } from "./destination.ts";

const ENTRIES = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: partners}
spec: {hosts: [api.partner.example], ports: [{number: 443, name: tls, protocol: TLS}, {number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: cdn, namespace: partners}
spec: {hosts: ["*.cdn.example", "*.eu.cdn.example"], ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: private, namespace: partners}
spec: {hosts: [private.example], exportTo: ["."], ports: [{number: 80, name: http, protocol: HTTP}]}
---
{apiVersion: v1, kind: Service, metadata: {name: egress, namespace: gateways}, spec: {ports: [{name: http, port: 80}]}}
`;
const mesh = meshOf([CAPTURED_MESH, ENTRIES].join("\n---\n"));

function destination(fields: Partial<AccessLogEntry>): string {
  const found = destinationOf(entryOf(fields), "test1", mesh);
  return typeof found === "string" ? found : `${found.host}:${found.port}`;
}

const dialled = { address: "192.0.2.1", port: 80 };
const CASES: readonly (readonly [name: string, fields: Partial<AccessLogEntry>, expected: string])[] = [
  ["the cluster of a ServiceEntry", { upstreamCluster: "outbound|443||api.partner.example" }, "api.partner.example:443"],
  ["a port that it lacks", { upstreamCluster: "outbound|8443||api.partner.example" }, "unknown_destination"],
  ["the cluster of a wildcard", { upstreamCluster: "outbound|80||*.cdn.example", authority: "img.cdn.example" }, "*.cdn.example:80"],
  [
    "past Istio, as where a fence hides it",
    { upstreamCluster: "PassthroughCluster", authority: "api.partner.example", downstreamLocalAddress: dialled },
    "api.partner.example:80",
  ],
  [
    "past Istio: of two wildcards the longer one",
    { upstreamCluster: "PassthroughCluster", authority: "img.eu.cdn.example", downstreamLocalAddress: dialled },
    "*.eu.cdn.example:80",
  ],
  [
    "past Istio: one that the caller does not see",
    { upstreamCluster: "PassthroughCluster", authority: "private.example", downstreamLocalAddress: dialled },
    "unknown_destination",
  ],
];

for (const [name, fields, expected] of CASES)
  test(`issue 16: ${name} is ${expected}`, () => {
    assert.equal(destination(fields), expected);
  });

test("issue 16: a host of a ServiceEntry whose calls end at an egress gateway is in use, and so is its wildcard", () => {
  for (const [authority, host] of [
    ["api.partner.example", "api.partner.example"],
    ["img.cdn.example", "*.cdn.example"],
  ]) {
    const entry = entryOf({ upstreamCluster: "outbound|80||egress.gateways.svc.cluster.local", authority: authority ?? "" });
    const called = alsoCalled(entry, "egress.gateways.svc.cluster.local", "test1", mesh);
    assert.deepEqual(
      called.map((each) => [each.host, each.teaches]),
      [[host, false]],
    );
  }
});
