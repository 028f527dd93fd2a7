import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessLogEntry } from "@fenceline/als";
import { CAPTURED_MESH, entryOf, streamOf } from "../../testing/mesh.ts";
import { startReader } from "../../testing/reader.ts";

const POD = "10.77.1.3";
const PEER = "10.77.9.9";
const A = { namespace: "test1", labels: { app: "a" } };
const node = (id = `sidecar~${POD}~a-1.test1~test1.svc.cluster.local`) => ({ id, ...A });
/** A user's own access log, and the fence's. */
const STREAMS = {
  "a stream that is known by its node": streamOf({ logName: "http_envoy_accesslog", node: node() }),
  "a stream whose node cannot be read": streamOf({ logName: "http_envoy_accesslog", node: node("") }),
  "a stream with the fence's log name": streamOf({ logName: "fenceline/test1/a", node: node() }),
};
const B_ADDRESS = { address: "10.78.111.197", port: 80 };
const OWN_ADDRESS = { address: POD, port: 8080 };
const from = (address: string) => ({ address, port: 50_000 });
/** What such an entry may say beside its cluster; it would teach b by either. */
const NAMES_B: Partial<AccessLogEntry> = { authority: "b.test1", downstreamLocalAddress: B_ADDRESS };

const NO_CALLS = [
  "inbound|80||",
  "inbound|8080|http|a.test1.svc.cluster.local",
  "inbound-vip|80|http|a.test1.svc.cluster.local",
  "InboundPassthroughCluster",
  "InboundPassthroughClusterIpv4",
  "InboundPassthroughClusterIpv6",
  "virtualInbound",
  "BlackHoleCluster",
  "agent",
  "prometheus_stats",
  "xds-grpc",
  "sds-grpc",
  "sds-external",
  "zipkin",
  "envoy_accesslog_service",
  "outbound|18081||fenceline-collector.mesh-operator.svc.cluster.local",
];

for (const [which, stream] of Object.entries(STREAMS)) {
  test(`T-28 what is no call of the workload teaches nothing, observes nothing and keeps nothing, on ${which}`, () => {
    const { reader, pages, clock, seen } = startReader();
    const [edges] = pages;
    for (const upstreamCluster of NO_CALLS) {
      reader.entries(stream, [
        entryOf({ ...NAMES_B, upstreamCluster }),
        entryOf({ kind: "tcp", upstreamCluster, downstreamLocalAddress: B_ADDRESS }),
      ]);
      assert.deepEqual([seen(), edges?.observedUntil], [[[]], undefined], upstreamCluster);
    }
    // The host is in use: its calls are seen for as long as they are told.
    reader.entries(stream, [entryOf({ upstreamCluster: "outbound|80||b.test1.svc.cluster.local" })]);
    for (; clock.now < 5_000; clock.now += 10)
      reader.entries(
        stream,
        NO_CALLS.map((upstreamCluster) => entryOf({ upstreamCluster, authority: "a.test1" })),
      );
    assert.deepEqual([edges?.observedUntil, edges?.age(), seen()], [0, [], [["b.test1 ×1"]]]);
  });

  test(`T-28 one call of the workload among others' is enough to observe it, and is learned, on ${which}`, () => {
    for (const upstreamCluster of [
      "outbound|80||b.test1.svc.cluster.local",
      "outbound|80|v1|b.test1.svc.cluster.local",
      "PassthroughCluster",
    ]) {
      const { reader, pages, clock, seen } = startReader();
      clock.now = 7;
      reader.entries(stream, [entryOf({ upstreamCluster: "inbound|80||" }), entryOf({ ...NAMES_B, upstreamCluster })]);
      assert.deepEqual([seen(), pages[0]?.observedUntil], [[["b.test1 ×1"]], 7]);
    }
  });
}

test("T-28 a call out of the mesh and one that no route took observe the workload, by its own logger", () => {
  for (const fields of [
    { upstreamCluster: "outbound|443||www.example.com" },
    { upstreamCluster: "PassthroughCluster" },
    { responseCode: 404 },
  ]) {
    const { reader, pages } = startReader();
    reader.entries(STREAMS["a stream with the fence's log name"], [entryOf(fields)]);
    assert.equal(pages[0]?.observedUntil, 0);
  }
});

test("T-28 where the cluster says nothing the addresses do: what the pod itself opened is its call, what came to the pod is none", () => {
  const cases = [
    [{ downstreamDirectRemoteAddress: from(POD) }, true],
    [{ downstreamDirectRemoteAddress: from("127.0.0.1") }, true],
    [{ downstreamDirectRemoteAddress: from(PEER) }, false],
    [{}, false],
    [{ downstreamDirectRemoteAddress: from(POD), downstreamLocalAddress: OWN_ADDRESS }, false],
    [{ upstreamCluster: "somebody-elses", downstreamDirectRemoteAddress: from(POD) }, true],
    [{ upstreamCluster: "somebody-elses", downstreamDirectRemoteAddress: from(PEER), downstreamLocalAddress: OWN_ADDRESS }, false],
    [{ upstreamCluster: "PassthroughCluster", downstreamDirectRemoteAddress: from(PEER), downstreamLocalAddress: OWN_ADDRESS }, false],
  ] as const;
  for (const [fields, isCall] of cases) {
    const { reader, pages, seen } = startReader();
    reader.entries(STREAMS["a stream that is known by its node"], [entryOf({ authority: "b.test1", ...fields })]);
    assert.deepEqual([seen(), pages[0]?.observedUntil], isCall ? [[["b.test1 ×1"]], 0] : [[[]], undefined], JSON.stringify(fields));
  }
});

test("T-28 an IPv6 pod is known by its address in whatever spelling its node has", () => {
  const { reader, seen } = startReader();
  const stream = streamOf({ node: node("sidecar~FD00:0::3~a-1.test1~test1.svc.cluster.local") });
  reader.entries(stream, [entryOf({ authority: "b.test1", downstreamDirectRemoteAddress: from("fd00::3") })]);
  assert.deepEqual(seen(), [["b.test1 ×1"]]);
});

for (const type of ["router", "waypoint", "ztunnel", "ingress", "agentgateway"]) {
  test(`T-28 a ${type} is no pod of a fence, whatever its labels and its log name say`, async () => {
    const { reader, pages, seen, dropped } = startReader();
    const entries = [entryOf({ upstreamCluster: "outbound|80||b.test1.svc.cluster.local" })];
    for (const logName of ["", "http_envoy_accesslog", "fenceline/test1/a"])
      reader.entries(streamOf({ logName, node: node(`${type}~${POD}~a-1.test1~test1.svc.cluster.local`) }), entries);
    assert.deepEqual([seen(), pages[0]?.observedUntil, await dropped()], [[[]], undefined, { unknown_source: 3 }]);
  });
}

test("T-28 a node id that nobody can read says nothing against its stream", () => {
  for (const id of ["", "n", "~", "~~~", "sidecar", "sidecar~", "global"]) {
    const { reader, seen } = startReader();
    reader.entries(streamOf({ node: node(id) }), [entryOf({ upstreamCluster: "outbound|80||b.test1.svc.cluster.local" })]);
    assert.deepEqual(seen(), [["b.test1 ×1"]], id);
  }
});

test("T-28 the collector is no host that a workload calls, by whatever way it is reached", () => {
  const collector = `${CAPTURED_MESH}---
{apiVersion: v1, kind: Service, metadata: {name: fenceline-collector, namespace: mesh-operator}, spec: {clusterIP: 10.78.0.8, ports: [{name: grpc, port: 18081}]}}
`;
  const { reader, seen } = startReader(collector);
  const downstreamLocalAddress = { address: "10.78.0.8", port: 18_081 };
  const authority = "fenceline-collector.mesh-operator:18081";
  const stream = STREAMS["a stream with the fence's log name"];
  reader.entries(stream, [
    entryOf({ upstreamCluster: "PassthroughCluster", downstreamLocalAddress }),
    entryOf({ authority, downstreamLocalAddress }),
    entryOf({ upstreamCluster: "outbound|18081||fenceline-collector.mesh-operator.svc.cluster.local", authority }),
    entryOf({ upstreamCluster: "outbound|80||b.test1.svc.cluster.local", authority }),
  ]);
  assert.deepEqual(seen(), [["b.test1 ×1"]]);
});

test("T-28 what came to the pod's own address is no call of it, whatever logger wrote it down", () => {
  for (const stream of Object.values(STREAMS).filter(({ node: { id } }) => id !== "")) {
    const { reader, pages, seen } = startReader();
    reader.entries(stream, [
      entryOf({ authority: "b.test1", downstreamLocalAddress: OWN_ADDRESS, downstreamDirectRemoteAddress: from(PEER) }),
    ]);
    assert.deepEqual([seen(), pages[0]?.observedUntil], [[[]], undefined]);
  }
});
