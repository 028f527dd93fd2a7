import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "@fenceline/api";
import { Registry } from "./registry.ts";

/** A StatefulSet's pods behind a headless and a normal Service, on two families of addresses. */
const MESH = `
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-pods, namespace: shop}, spec: {clusterIP: None, ports: [{name: http, port: 8080}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}]
ports: [{name: http, port: 9000}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-pods-1, namespace: shop, labels: {kubernetes.io/service-name: web-pods}}
endpoints: [{addresses: [10.1.0.1], hostname: web-0}, {addresses: [10.1.0.2]}, {addresses: [10.1.0.3], hostname: web-2, conditions: {ready: false}}]
ports: [{name: http, port: 9000}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-pods-2, namespace: shop, labels: {kubernetes.io/service-name: web-pods}}
addressType: IPv6
endpoints: [{addresses: ["fd00::1"], hostname: web-0}, {addresses: ["fd00::2"]}]
ports: [{name: http, port: 9000}]
`;

/** Cluster DNS, with a port of one number for each protocol, and other pods' ports behind them. */
const DNS = `
{apiVersion: v1, kind: Service, metadata: {name: dns, namespace: kube-system}, spec: {clusterIP: 10.0.0.10, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}, {name: quic, port: 443, protocol: UDP}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-1, namespace: kube-system, labels: {kubernetes.io/service-name: dns}}
endpoints: [{addresses: [10.1.0.5]}]
ports: [{name: dns, port: 5353, protocol: UDP}, {name: dns-tcp, port: 5354, protocol: TCP}, {name: quic, port: 8443, protocol: UDP}]
`;

function registryOf(manifests: string): Registry {
  const { objects } = parseManifests(manifests, "mesh.yaml");
  return new Registry({
    services: objects.filter((object) => object.kind === "Service"),
    endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
  });
}

const WEB = { host: "web.shop.svc.cluster.local", port: 80 };
const PODS = { host: "web-pods.shop.svc.cluster.local", port: 8080 };

test("T-30 a pod's own address is its headless Service's where that is asked for, and the Service's that is named", () => {
  const registry = registryOf(MESH);
  const hint = { namespace: "test1", prefersHeadless: true };
  assert.deepEqual(registry.byAddress("10.1.0.1", 9000, hint), PODS);
  assert.deepEqual(registry.byAddress("10.1.0.1", 9000, { ...hint, host: WEB.host }), WEB);
  assert.deepEqual(registry.byAddress("10.1.0.1", 9000, { ...hint, namespace: "shop" }), PODS);
  assert.deepEqual(registry.byAddress("fd00:0::1", 9000, hint), PODS);
  assert.deepEqual(registry.byAddress("10.0.0.1", 80, hint), WEB);
});

test("T-30 a headless Service of another namespace takes no pod's address from the caller's own, or from nobody", () => {
  const thief = MESH.slice(MESH.indexOf("{apiVersion: v1, kind: Service, metadata: {name: web-pods"))
    .replaceAll("namespace: shop", "namespace: aaa")
    .replaceAll("web-pods", "aaa");
  const registry = registryOf(`${MESH}---\n${thief}`);
  assert.equal(registry.byAddress("10.1.0.1", 9000, { namespace: "test1", prefersHeadless: true }), undefined);
  assert.deepEqual(registry.byAddress("10.1.0.1", 9000, { namespace: "shop", prefersHeadless: true }), PODS);
});

test("T-30 a name of a pod is that pod: by its hostname, else by its address with dashes; one that is not there has no endpoint", () => {
  const registry = registryOf(MESH);
  const endpointsOf = (host: string, namespace = "test1") => {
    const named = registry.resolve(host, namespace);
    return named && registry.endpointsOf(named.service, 8080, named.pod).map(({ address }) => address);
  };
  const all = ["10.1.0.1", "10.1.0.2", "fd00::1", "fd00::2"];
  for (const ending of ["web-pods.shop", "web-pods.shop.svc", "web-pods.shop.svc.cluster.local"]) {
    assert.deepEqual(endpointsOf(ending), all);
    assert.deepEqual(endpointsOf(`web-0.${ending}`), ["10.1.0.1", "fd00::1"]);
    assert.deepEqual(endpointsOf(`10-1-0-2.${ending}`), ["10.1.0.2"]);
    assert.deepEqual(endpointsOf(`fd00--2.${ending}`), ["fd00::2"]);
    // Not ready, of another name, and a Service that has no pods of its own names.
    for (const pod of ["web-2", "web-9", "10-1-0-1"]) assert.deepEqual(endpointsOf(`${pod}.${ending}`), [], pod);
  }
  assert.deepEqual(endpointsOf("web-0.web-pods", "shop"), ["10.1.0.1", "fd00::1"]);
  assert.equal(endpointsOf("web-0.web.shop"), undefined);
});

test("T-30 callers of a headless Service dial its pods' port too; those of a normal one never", () => {
  const registry = registryOf(MESH);
  const portOf = (name: string, port: number) => {
    const service = registry.service("shop", name);
    return service && registry.portOf(service, port);
  };
  assert.deepEqual([portOf("web-pods", 8080), portOf("web-pods", 9000), portOf("web-pods", 80)], [8080, 8080, undefined]);
  assert.deepEqual([portOf("web", 80), portOf("web", 9000)], [80, undefined]);
});

test("T-30 a UDP port is no destination of a TCP connection, and lends its pods to none, whichever stands first", () => {
  const swapped = DNS.replace(
    "{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}",
    "{name: dns-tcp, port: 53}, {name: dns, port: 53, protocol: UDP}",
  );
  assert.notEqual(swapped, DNS);
  for (const manifests of [DNS, swapped]) {
    const registry = registryOf(manifests);
    const service = registry.services()[0];
    assert.ok(service !== undefined);
    assert.deepEqual(registry.endpointsOf(service, 53), [{ address: "10.1.0.5", port: 5354 }]);
    assert.deepEqual(registry.endpointsOf(service, 443), []);
    assert.deepEqual([registry.portOf(service, 53), registry.portOf(service, 443)], [53, undefined]);
    assert.equal(registry.byAddress("10.0.0.10", 53)?.port, 53);
    assert.equal(registry.byAddress("10.1.0.5", 5354)?.port, 53);
    for (const [address, port] of [
      ["10.0.0.10", 443],
      ["10.1.0.5", 5353],
      ["10.1.0.5", 8443],
    ] as const) {
      assert.equal(registry.byAddress(address, port), undefined, `${address}:${port}`);
    }
  }
});

test("T-30 ports of one name and two protocols are told apart in a slice that somebody wrote by hand", () => {
  const manifests = DNS.replaceAll("name: dns-tcp", "name: dns");
  const registry = registryOf(manifests);
  assert.equal(registry.byAddress("10.1.0.5", 5353), undefined);
  assert.equal(registry.byAddress("10.1.0.5", 5354)?.port, 53);
});
