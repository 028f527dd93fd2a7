import assert from "node:assert/strict";
import { test } from "node:test";
import { capturedMessages } from "../testing/captures.ts";
import { referenceView } from "../testing/reference-view.ts";
import { V3 } from "../testing/schemas.ts";
import { decodeAccessLogMessage } from "./message.ts";

const FALLBACK = "outbound|80||global-sidecar.mesh-operator.svc.cluster.local";
const SERVICE = "outbound|80||b.test1.svc.cluster.local";
const CLUSTER_IP = "10.78.111.197:80";

test("the captured HTTP stream decodes to exactly the calls that were made", () => {
  assert.deepEqual(
    rows("envoy-1.40-http.bin", (entry) => [entry.upstreamCluster, target(entry), entry.authority, entry.responseCode]),
    [
      [FALLBACK, CLUSTER_IP, "b.test1", 200],
      [FALLBACK, CLUSTER_IP, "b.test1", 200],
      [FALLBACK, CLUSTER_IP, "b.test1", 200],
      [FALLBACK, CLUSTER_IP, "b", 502],
      [FALLBACK, CLUSTER_IP, "b.test1.svc.cluster.local", 200],
      [FALLBACK, CLUSTER_IP, "10.78.111.197", 200],
      [FALLBACK, CLUSTER_IP, "www.example.com", 502],
      [FALLBACK, CLUSTER_IP, "ghost.test1", 502],
      [SERVICE, CLUSTER_IP, "b", 200],
      [SERVICE, CLUSTER_IP, "b.test1", 200],
      [SERVICE, CLUSTER_IP, "b.test1.svc.cluster.local", 200],
      [SERVICE, CLUSTER_IP, "10.78.111.197", 200],
    ],
  );
});

test("the captured TCP stream decodes to the failed and the echoed connection", () => {
  assert.deepEqual(
    rows("envoy-1.40-tcp.bin", (entry) => [entry.kind, entry.upstreamCluster, target(entry), entry.authority, entry.responseCode]),
    [
      ["tcp", "PassthroughCluster", "10.78.70.189:7000", "", 0],
      ["tcp", "outbound|7000||tcpsvc.test1.svc.cluster.local", "10.78.70.189:7000", "", 0],
    ],
  );
});

for (const [file, logName] of [
  ["envoy-1.40-http.bin", "fence-http"],
  ["envoy-1.40-tcp.bin", "fence-tcp"],
] as const) {
  test(`only the first message of ${file} names the stream, log name ${logName}, and its workload`, () => {
    const [first, ...later] = capturedMessages(file).map((bytes) => decodeAccessLogMessage(bytes));
    assert.equal(first?.identifier?.logName, logName);
    const { labels, ...node } = first.identifier.node;
    assert.equal(labels.app, "a");
    assert.deepEqual(node, {
      id: "sidecar~10.77.1.3~a.test1~test1.svc.cluster.local",
      cluster: "a.test1",
      namespace: "test1",
      istioVersion: "1.29.0",
      serviceAccount: "default",
      workloadName: "a",
    });
    assert.ok(later.length > 0 && later.every(({ identifier }) => identifier === undefined));
  });

  test(`every entry of ${file} comes from 10.77.1.3, is finished and stands for one request`, () => {
    for (const entry of capturedMessages(file).flatMap((bytes) => decodeAccessLogMessage(bytes).entries)) {
      assert.equal(entry.downstreamDirectRemoteAddress?.address, "10.77.1.3");
      assert.deepEqual([entry.requests, entry.intermediate, entry.fenceSource, entry.peerUris], [1, false, "", []]);
    }
  });

  test(`a full protobuf decoder reads ${file} alike`, () => {
    for (const bytes of capturedMessages(file)) {
      const { identifier, entries } = decodeAccessLogMessage(bytes);
      assert.deepEqual({ identifier, entries }, referenceView(V3, bytes));
    }
  });
}

type Entry = ReturnType<typeof decodeAccessLogMessage>["entries"][number];

function rows(file: Parameters<typeof capturedMessages>[0], row: (entry: Entry) => unknown[]): unknown[] {
  const messages = capturedMessages(file).map((bytes) => decodeAccessLogMessage(bytes));
  assert.ok(messages.every(({ malformed, error }) => malformed === 0 && error === undefined));
  return messages.flatMap(({ entries }) => entries.map(row));
}

function target(entry: Entry): string {
  return `${entry.downstreamLocalAddress?.address}:${entry.downstreamLocalAddress?.port}`;
}
