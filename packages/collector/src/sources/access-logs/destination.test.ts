import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessLogEntry } from "@fenceline/als";
import { CAPTURED_MESH, entryOf, meshOf } from "../../testing/mesh.ts";
import { destinationOf } from "./destination.ts";

const FALLBACK = "outbound|80||global-sidecar.mesh-operator.svc.cluster.local";
const B_ADDRESS = { address: "10.78.111.197", port: 80 };
const mesh = meshOf();

function destination(fields: Partial<AccessLogEntry>): string {
  const found = destinationOf(entryOf(fields), "test1", mesh);
  return typeof found === "string" ? found : `${found.host}:${found.port}`;
}

const B = "b.test1.svc.cluster.local:80";
const CASES: readonly (readonly [name: string, fields: Partial<AccessLogEntry>, expected: string])[] = [
  [
    "the upstream cluster is the truth, whatever the host said",
    { upstreamCluster: "outbound|80||b.test1.svc.cluster.local", authority: "made.up" },
    B,
  ],
  ["a subset of a service is the service", { upstreamCluster: "outbound|80|v1|b.test1.svc.cluster.local" }, B],
  [
    "a cluster for a port that the service lacks teaches nothing",
    { upstreamCluster: "outbound|81||b.test1.svc.cluster.local" },
    "unknown_destination",
  ],
  ["an inbound cluster is no destination", { upstreamCluster: "inbound|80||" }, "unknown_destination"],
  ["by way of the fallback: a short name is completed with the caller's namespace", { upstreamCluster: FALLBACK, authority: "b" }, B],
  [
    "by way of the fallback: upper case and a trailing dot are the same host",
    { upstreamCluster: FALLBACK, authority: "B.Test1.SVC.cluster.local.:80" },
    B,
  ],
  [
    "by way of the fallback: a made-up host leaves the original destination",
    { upstreamCluster: FALLBACK, authority: "www.example.com", downstreamLocalAddress: B_ADDRESS },
    B,
  ],
  [
    "by way of the fallback: a made-up host alone is nothing",
    { upstreamCluster: FALLBACK, authority: "ghost.test1" },
    "unknown_destination",
  ],
  ["by way of the fallback: an address as host is looked up", { upstreamCluster: FALLBACK, authority: "10.78.111.197" }, B],
  [
    "by way of the fallback: a host is preferred to the address that was dialled, as the fallback does",
    { upstreamCluster: FALLBACK, authority: "web.shop:8080", downstreamLocalAddress: B_ADDRESS },
    "web.shop.svc.cluster.local:8080",
  ],
  [
    "passthrough dials the original destination, whatever the host",
    { upstreamCluster: "PassthroughCluster", authority: "web.shop:8080", downstreamLocalAddress: B_ADDRESS },
    B,
  ],
  [
    "a TCP connection is known by its original destination",
    { kind: "tcp", upstreamCluster: "PassthroughCluster", downstreamLocalAddress: { address: "10.78.70.189", port: 7000 } },
    "tcpsvc.test1.svc.cluster.local:7000",
  ],
  [
    "a pod's address is its service",
    { upstreamCluster: "PassthroughCluster", downstreamLocalAddress: { address: "10.77.1.8", port: 9000 } },
    "web.shop.svc.cluster.local:8080",
  ],
  [
    "a pod of a headless service is its service",
    { upstreamCluster: FALLBACK, authority: "web-0.web.shop.svc.cluster.local:8080" },
    "web.shop.svc.cluster.local:8080",
  ],
  ["a call to the fallback itself is no edge", { upstreamCluster: FALLBACK, authority: "global-sidecar.mesh-operator" }, "fallback_itself"],
  [
    "a call to the fallback's address is no edge",
    { upstreamCluster: FALLBACK, downstreamLocalAddress: { address: "10.78.0.9", port: 80 } },
    "fallback_itself",
  ],
  [
    "an external address is no edge",
    { upstreamCluster: "PassthroughCluster", downstreamLocalAddress: { address: "93.184.216.34", port: 80 } },
    "unknown_destination",
  ],
  ["a malformed host is no edge", { upstreamCluster: FALLBACK, authority: "b test1" }, "unknown_destination"],
];

for (const [name, fields, expected] of CASES) {
  test(name, () => assert.equal(destination(fields), expected));
}

const STOLEN = meshOf(`${CAPTURED_MESH}---
{apiVersion: v1, kind: Service, metadata: {name: aaa, namespace: aaa}, spec: {clusterIP: None, ports: [{name: http, port: 1}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: aaa-1, namespace: aaa, labels: {kubernetes.io/service-name: aaa}}
endpoints: [{addresses: [10.77.1.8, 10.78.111.197]}]
ports: [{name: http, port: 9000}]
`);
const POD = { upstreamCluster: "PassthroughCluster", downstreamLocalAddress: { address: "10.77.1.8", port: 9000 } };

test("T-08 a pod's address that another tenant claims is attributed by the host, then by the caller's namespace, then not at all", () => {
  const web = { host: "web.shop.svc.cluster.local", port: 8080 };
  assert.deepEqual(destinationOf(entryOf({ ...POD, authority: "web-0.web.shop:9000" }), "test1", STOLEN), web);
  assert.deepEqual(destinationOf(entryOf({ ...POD, authority: "10.77.1.8:9000" }), "shop", STOLEN), web);
  assert.deepEqual(destinationOf(entryOf({ ...POD, kind: "tcp" }), "shop", STOLEN), web);
  assert.equal(destinationOf(entryOf({ ...POD, authority: "10.77.1.8:9000" }), "test1", STOLEN), "unknown_destination");
  assert.equal(destinationOf(entryOf({ ...POD, kind: "tcp" }), "test1", STOLEN), "unknown_destination");
});
