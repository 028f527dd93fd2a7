import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "@fenceline/api";
import { Registry } from "./registry.ts";

const MESH = `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, "fd00::1"], ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 90}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: test1, namespace: b}, spec: {clusterIP: 10.0.0.2, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: None, ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: b-1, namespace: test1, labels: {kubernetes.io/service-name: b}}
endpoints: [{addresses: [10.1.0.1], conditions: {ready: true}}, {addresses: [10.1.0.2], conditions: {ready: false}}, {addresses: [10.1.0.3]}]
ports: [{name: http, port: 8080}, {name: admin, port: 9090}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: b-2, namespace: test1, labels: {kubernetes.io/service-name: b}}
endpoints: [{addresses: [10.1.0.4]}]
ports: [{name: http, port: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: test1-1, namespace: b, labels: {kubernetes.io/service-name: test1}}
endpoints: [{addresses: [10.1.0.9]}]
ports: [{port: 8000}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: orphan, namespace: b, labels: {kubernetes.io/service-name: gone}}
endpoints: [{addresses: [10.1.0.7]}]
ports: [{port: 80}]
`;

function registryOf(clusterDomain?: string): Registry {
  const { objects } = parseManifests(MESH, "mesh.yaml");
  return new Registry({
    services: objects.filter((object) => object.kind === "Service"),
    endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
    ...(clusterDomain !== undefined && { clusterDomain }),
  });
}

const registry = registryOf();

const HOSTS: readonly (readonly [host: string, namespace: string | undefined, expected: string | undefined])[] = [
  ["b", "test1", "b.test1.svc.cluster.local"],
  ["b", "shop", undefined],
  ["b", undefined, undefined],
  ["b.test1", "shop", "b.test1.svc.cluster.local"],
  ["b.test1", undefined, "b.test1.svc.cluster.local"],
  ["b.test1.svc", "shop", "b.test1.svc.cluster.local"],
  ["b.test1.svc.cluster.local", undefined, "b.test1.svc.cluster.local"],
  ["b.test1.svc.other.domain", "test1", undefined],
  ["web-0.web.shop.svc.cluster.local", undefined, "web.shop.svc.cluster.local"],
  ["web-0.web", "shop", "web.shop.svc.cluster.local"],
  ["web-0.web.shop", "test1", "web.shop.svc.cluster.local"],
  ["pod.b.test1.svc.cluster.local", undefined, undefined],
  ["x.y.b.test1", undefined, undefined],
  ["svc.cluster.local", "test1", undefined],
  ["www.example.com", "test1", undefined],
];

for (const [host, namespace, expected] of HOSTS) {
  test(`${host}, called from ${namespace ?? "nowhere"}, is ${expected ?? "no service"}`, () => {
    const service = registry.resolveHost(host, namespace);
    assert.equal(service && registry.hostOf(service), expected);
  });
}

test("a cluster domain of one's own is used in its place", () => {
  const own = registryOf("mesh.internal");
  const service = own.resolveHost("b.test1.svc.mesh.internal");
  assert.equal(service && own.hostOf(service), "b.test1.svc.mesh.internal");
  assert.equal(own.resolveHost("b.test1.svc.cluster.local"), undefined);
});

test("a Service port is answered by its ready endpoints, of all its slices; not saying counts as ready", () => {
  const b = registry.service("test1", "b");
  assert.ok(b);
  assert.deepEqual(
    registry.endpointsOf(b, 80).map(({ address, port }) => `${address}:${port}`),
    ["10.1.0.1:8080", "10.1.0.3:8080", "10.1.0.4:8080"],
  );
  assert.deepEqual(
    registry.endpointsOf(b, 90).map(({ address }) => address),
    ["10.1.0.1", "10.1.0.3"],
  );
  assert.deepEqual(registry.endpointsOf(b, 8080), []);
});

const ADDRESSES: readonly (readonly [address: string, port: number, expected: string | undefined])[] = [
  ["10.0.0.1", 80, "b.test1.svc.cluster.local:80"],
  ["fd00::1", 90, "b.test1.svc.cluster.local:90"],
  ["10.0.0.1", 8080, undefined],
  ["10.1.0.2", 8080, "b.test1.svc.cluster.local:80"],
  ["10.1.0.9", 8000, "test1.b.svc.cluster.local:80"],
  ["10.1.0.9", 80, undefined],
  ["10.1.0.7", 80, undefined],
  ["93.184.216.34", 80, undefined],
];

for (const [address, port, expected] of ADDRESSES) {
  test(`${address}:${port} is ${expected ?? "nothing of the mesh"}`, () => {
    const found = registry.byAddress(address, port);
    assert.equal(found && `${found.host}:${found.port}`, expected);
  });
}

test("the namespace of a qualified name is known without the Service", () => {
  assert.equal(registry.namespaceOf("gone.test9.svc.cluster.local"), "test9");
  assert.equal(registry.namespaceOf("web-0.web.shop.svc.cluster.local"), "shop");
  for (const host of ["b", "b.test1", "www.example.com", "svc.cluster.local"]) assert.equal(registry.namespaceOf(host), undefined, host);
});
