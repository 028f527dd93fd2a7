import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessLogEntry } from "@fenceline/als";
import { CAPTURED_MESH, entryOf, streamOf } from "../../testing/mesh.ts";
import { startReader } from "../../testing/reader.ts";

/** `c` is sent to `d` by a VirtualService; `other` has its name in another namespace. */
const MESH = `${CAPTURED_MESH}---
{apiVersion: v1, kind: Service, metadata: {name: c, namespace: test1}, spec: {clusterIP: 10.78.0.30, ports: [{name: http, port: 80}, {name: tls, port: 443}, {name: db, port: 3306}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: d, namespace: test1}, spec: {clusterIP: 10.78.0.31, ports: [{name: http, port: 80}, {name: http-2, port: 8080}, {name: tls, port: 443}, {name: db, port: 3306}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: c, namespace: other}, spec: {clusterIP: 10.78.0.32, ports: [{name: http, port: 80}]}}
`;
const OWN = streamOf({ logName: "fenceline/test1/a" });
const NODE = streamOf({
  logName: "http_envoy_accesslog",
  node: { id: "sidecar~10.77.1.3~a.test1~x", namespace: "test1", labels: { app: "a" } },
});
const D = "outbound|80||d.test1.svc.cluster.local";
const TO_C: Partial<AccessLogEntry> = { upstreamCluster: "outbound|80||c.test1.svc.cluster.local", authority: "c" };

/** Learns c and d, and lets a while pass in which only `fields` are told. */
function inUse(fields: Partial<AccessLogEntry>, stream = OWN): { readonly aged: readonly string[]; readonly hosts: readonly string[] } {
  const { reader, pages, clock } = startReader(MESH);
  const [edges] = pages;
  assert.ok(edges !== undefined);
  reader.entries(stream, [entryOf(TO_C), entryOf({ upstreamCluster: D, authority: "d" })]);
  for (; clock.now < 5_000; clock.now += 10) reader.entries(stream, [entryOf(fields)]);
  const aged = edges.age();
  return { aged, hosts: edges.hosts().map(({ host }) => host.replace(".svc.cluster.local", "")) };
}

const NAMES_OF_C = [
  "c",
  "c.test1",
  "c.test1.svc",
  "c.test1.svc.cluster.local",
  "C.Test1",
  "c.test1.svc.cluster.local.",
  "c:80",
  "c.test1:80",
];

test("T-29 a called host whose calls end at another one stays in use, in whatever way its name is written", () => {
  for (const authority of [...NAMES_OF_C, "c:8443", "10.78.0.30"]) {
    for (const stream of [OWN, NODE]) {
      const { aged, hosts } = inUse({ upstreamCluster: D, authority, downstreamLocalAddress: { address: "10.78.0.30", port: 80 } }, stream);
      assert.deepEqual([aged, hosts], [[], ["c.test1", "d.test1"]], authority);
    }
  }
});

test("T-29 several destinations, subsets, another port, a host out of the mesh and an answer of Envoy's own keep the called host too", () => {
  const clusters = [
    "outbound|80|v1|d.test1.svc.cluster.local",
    "outbound|8080|v2|d.test1.svc.cluster.local",
    "outbound|80||b.test1.svc.cluster.local",
    "outbound|443||www.example.com",
    "",
  ];
  for (const upstreamCluster of clusters) {
    assert.ok(inUse({ upstreamCluster, authority: "c" }).hosts.includes("c.test1"), upstreamCluster);
    assert.ok(inUse({ upstreamCluster, authority: "c", responseCode: 403 }).hosts.includes("c.test1"), upstreamCluster);
  }
});

test("T-29 a TCP connection that ends at another host keeps the one that its TLS names, or whose ClusterIP was dialled", () => {
  const dialled = { address: "10.78.0.30", port: 3306 };
  const tcp = { kind: "tcp", upstreamCluster: "outbound|3306||d.test1.svc.cluster.local" } as const;
  assert.deepEqual(inUse({ ...tcp, downstreamLocalAddress: dialled }).hosts, ["c.test1", "d.test1"]);
  assert.deepEqual(
    inUse({ ...tcp, sni: "c.test1.svc.cluster.local", downstreamLocalAddress: { address: "10.78.0.31", port: 443 } }).hosts,
    ["c.test1", "d.test1"],
  );
});

test("T-29 a VirtualService that rewrites the Host keeps the host that was dialled, be it headless or not", () => {
  const cluster = "outbound|8080||web.shop.svc.cluster.local";
  for (const [learned, address, port] of [
    [{ upstreamCluster: "outbound|80||c.test1.svc.cluster.local", authority: "c" }, "10.78.0.30", 80],
    [{ upstreamCluster: cluster, authority: "web.shop" }, "10.77.1.8", 9000],
  ] as const) {
    const { reader, pages, clock, seen } = startReader(MESH);
    reader.entries(OWN, [entryOf(learned), entryOf({ upstreamCluster: D, authority: "d" })]);
    const [before] = seen();
    // As Envoy logs it: the Host as it was sent, and the cluster.
    const rewritten = { upstreamCluster: D, authority: "d.test1", downstreamLocalAddress: { address, port } };
    for (; clock.now < 5_000; clock.now += 10) reader.entries(OWN, [entryOf(rewritten)]);
    assert.deepEqual([pages[0]?.age(), before?.length, pages[0]?.size], [[], 2, 2], address);
  }
});

test("T-29 an address that several Services have is the one's that the call ended at, and keeps no other", () => {
  const both = `${PODS}---
{apiVersion: v1, kind: Service, metadata: {name: all, namespace: shop}, spec: {clusterIP: None, ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: all-1, namespace: shop, labels: {kubernetes.io/service-name: all}}
endpoints: [{addresses: [10.77.1.8]}]
ports: [{name: http, port: 9000}]
`;
  const { reader, pages, clock } = startReader(both);
  const downstreamLocalAddress = { address: "10.77.1.8", port: 9000 };
  reader.entries(OWN, [entryOf({ upstreamCluster: "outbound|80||all.shop.svc.cluster.local", authority: "all.shop" })]);
  const web = entryOf({ upstreamCluster: "outbound|8080||web.shop.svc.cluster.local", authority: "web.shop", downstreamLocalAddress });
  for (; clock.now < 5_000; clock.now += 10) reader.entries(OWN, [web]);
  assert.deepEqual(pages[0]?.age(), ["all.shop.svc.cluster.local"]);
});

test("T-29 the ClusterIP in a Host names the host, also where the call ends out of the mesh", () => {
  const downstreamLocalAddress = { address: "10.78.0.30", port: 80 };
  assert.deepEqual(inUse({ upstreamCluster: "outbound|443||www.example.com", authority: "10.78.0.30", downstreamLocalAddress }).hosts, [
    "c.test1",
  ]);
});

test("T-29 a call to the host itself, by its cluster alone, ages the other one: nothing else keeps it", () => {
  assert.deepEqual(inUse({ upstreamCluster: D, authority: "d" }).hosts, ["d.test1"]);
  assert.deepEqual(inUse({ upstreamCluster: D, authority: "" }).hosts, ["d.test1"]);
});

test("T-29 a Host that names no host of the fence teaches nothing and keeps nothing", () => {
  for (const authority of ["b", "web.shop", "c.other", "ghost", "www.example.com", "c.test1-shadow", "c:x", "c test1", "93.184.216.34"]) {
    const { reader, seen } = startReader(MESH);
    reader.entries(OWN, [entryOf({ upstreamCluster: D, authority })]);
    assert.deepEqual(seen(), [["d.test1 ×1"]], authority);
    assert.deepEqual(inUse({ upstreamCluster: D, authority }).hosts, ["d.test1"], authority);
  }
});

test("T-29 a call that ends out of the mesh teaches no host, neither by its Host nor by the address that was dialled", () => {
  const upstreamCluster = "outbound|443||www.example.com";
  const { reader, seen } = startReader(MESH);
  reader.entries(OWN, [
    entryOf({ upstreamCluster, authority: "b", downstreamLocalAddress: { address: "10.78.0.30", port: 80 } }),
    entryOf({ kind: "tcp", upstreamCluster, downstreamLocalAddress: { address: "10.78.0.30", port: 3306 } }),
  ]);
  assert.deepEqual(seen(), [[]]);
});

test("T-29 the passthrough dials an address, whatever the Host: that keeps no other host", () => {
  assert.deepEqual(
    inUse({ upstreamCluster: "PassthroughCluster", authority: "c", downstreamLocalAddress: { address: "10.78.0.31", port: 80 } }).hosts,
    ["d.test1"],
  );
});

test("T-29 a short name is completed with the caller's namespace, and a call counts for both hosts once", () => {
  const { reader, pages, seen } = startReader(MESH);
  reader.entries(OWN, [
    entryOf(TO_C),
    entryOf({ upstreamCluster: D, authority: "c" }),
    entryOf({ upstreamCluster: D, authority: "c", intermediate: true }),
  ]);
  assert.deepEqual(seen(), [["c.test1 ×2", "d.test1 ×1"]]);
  assert.deepEqual(
    pages[0]?.hosts().map(({ ports }) => ports),
    [[80], [80]],
  );
});

const PODS = `${MESH}---
{apiVersion: v1, kind: Service, metadata: {name: app, namespace: shop}, spec: {clusterIP: 10.78.0.40, ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-1, namespace: shop, labels: {kubernetes.io/service-name: app}}
endpoints: [{addresses: [10.77.1.8]}]
ports: [{name: http, port: 9000}]
`;
const POD: Partial<AccessLogEntry> = {
  upstreamCluster: "PassthroughCluster",
  downstreamLocalAddress: { address: "10.77.1.8", port: 9000 },
};

test("T-30 a pod that is dialled by its address is its headless Service's, and also the one's that the Host names", () => {
  const hosts = (fields: Partial<AccessLogEntry>) => {
    const { reader, seen } = startReader(PODS);
    reader.entries(OWN, [entryOf(fields)]);
    return seen()[0];
  };
  for (const authority of ["", "10.77.1.8:9000", "web.shop", "web-0.web.shop.svc.cluster.local:9000", "made.up", "c"])
    assert.deepEqual(hosts({ ...POD, authority }), ["web.shop ×1"], authority);
  assert.deepEqual(hosts({ ...POD, kind: "tcp" }), ["web.shop ×1"]);
  assert.deepEqual(hosts({ ...POD, authority: "app.shop" }), ["app.shop ×1", "web.shop ×1"]);
});

test("T-30 of two Services with ClusterIPs over a pod only the one that the Host names is called", () => {
  const two = PODS.replace(
    "{name: web, namespace: shop}, spec: {clusterIP: None,",
    "{name: web, namespace: shop}, spec: {clusterIP: 10.78.0.41,",
  );
  assert.notEqual(two, PODS);
  for (const name of ["app", "web"]) {
    const { reader, seen } = startReader(two);
    reader.entries(OWN, [entryOf({ ...POD, authority: `${name}.shop` })]);
    assert.deepEqual(seen(), [[`${name}.shop ×1`]]);
  }
});

test("T-30 a call to a pod by way of the fallback is its headless Service's, by its address or by its name and the pod's own port", () => {
  for (const authority of ["10.77.1.8:9000", "web-0.web.shop:8080", "web-0.web.shop.svc.cluster.local:9000"]) {
    const { reader, seen } = startReader(PODS);
    reader.entries(streamOf({ logName: "fenceline-fallback" }), [entryOf({ fenceSource: "test1/a", authority })]);
    assert.deepEqual(seen(), [["web.shop ×1"]], authority);
  }
});

test("T-30 a TCP connection to the number of a UDP port is no call of the Service", () => {
  const udp = PODS.replace("ports: [{name: tcp, port: 7000}]", "ports: [{name: udp, port: 7000, protocol: UDP}]");
  for (const manifests of [PODS, udp]) {
    const { reader, seen } = startReader(manifests);
    reader.entries(OWN, [
      entryOf({ kind: "tcp", upstreamCluster: "PassthroughCluster", downstreamLocalAddress: { address: "10.78.70.189", port: 7000 } }),
      entryOf({ kind: "tcp", upstreamCluster: "outbound|7000||tcpsvc.test1.svc.cluster.local" }),
    ]);
    assert.deepEqual(seen(), manifests === udp ? [[]] : [["tcpsvc.test1 ×2"]]);
  }
});
