import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type GrpcJavaCalls,
  GrpcJavaPeer,
  type GrpcJavaReport,
  type GrpcJavaServer,
  NO_GRPC_JAVA,
} from "../../src/testing/grpc-java-peer.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

interface Case {
  readonly name: string;
  readonly server?: GrpcJavaServer;
  readonly call: GrpcJavaCalls;
  readonly expected: Omit<GrpcJavaReport, "connections">;
  /** To the server, at least: more than the calls need at a time prove that they aged. Default 1 */
  readonly connections?: number;
}

const MB = 1_000_000;

const cases: readonly Case[] = [
  {
    name: "T-35 no call of grpc-java fails while its server ages each connection after a second",
    server: { maxAge: 1_000 },
    call: { method: "Slow", calls: 600, parallel: 50 },
    expected: { outcomes: { OK: 600 }, messages: 600, bytes: 60_000, trailed: 600 },
    connections: 3,
  },
  {
    name: "T-35 no call of grpc-java fails beside MAX_CONCURRENT_STREAMS of 1 and connections that age after a second",
    server: { maxAge: 1_000, streams: 1 },
    call: { method: "Slow", calls: 100, parallel: 10 },
    expected: { outcomes: { OK: 100 }, messages: 100, bytes: 10_000, trailed: 100 },
    connections: 11,
  },
  {
    name: "T-33 a grpc-java caller that is still sending gets the status of an early end, every time",
    call: { method: "Exhausted", calls: 100, parallel: 20, count: 1_000, size: 4_096 },
    expected: { outcomes: { RESOURCE_EXHAUSTED: 100 }, messages: 0, bytes: 0, trailed: 100 },
  },
  {
    name: "T-32 bidirectional streams of grpc-java carry thousands of messages",
    call: { calls: 2, parallel: 2, count: 1_000 },
    expected: { outcomes: { OK: 2 }, messages: 2_000, bytes: 200_000, trailed: 2 },
  },
  {
    name: "T-32 grpc-java sends and reads messages of 10 MB in windows of 16 MB",
    server: { window: 16 * MB },
    call: { calls: 2, parallel: 2, size: 10 * MB, window: 16 * MB },
    expected: { outcomes: { OK: 2 }, messages: 2, bytes: 20 * MB, trailed: 2 },
  },
  {
    name: "T-32 grpc-java sends and reads messages in windows of one byte",
    server: { window: 1 },
    call: { calls: 2, parallel: 2, size: 300, window: 1 },
    expected: { outcomes: { OK: 2 }, messages: 2, bytes: 600, trailed: 2 },
  },
  {
    name: "T-47 calls of grpc-java whose deadline passes in the midst of the answer end by it",
    call: { method: "Hang", calls: 20, parallel: 20, deadline: 2_000 },
    expected: { outcomes: { DEADLINE_EXCEEDED: 20 }, messages: 20, bytes: 2_000, trailed: 0 },
  },
];

const peer = NO_GRPC_JAVA === false ? new GrpcJavaPeer() : undefined;
after(() => peer?.stop());

for (const { name, server, call, expected, connections = 1 } of cases) {
  test(name, { skip: NO_GRPC_JAVA, timeout: 150_000 }, async (t) => {
    assert.ok(peer);
    const proxy = await startProxy(t, { [SERVICE]: [await peer.serve(server)] });

    const { connections: made, ...report } = await peer.call(proxy.port, call);

    assert.deepEqual(report, expected);
    assert.ok(made >= connections, `${made} connections`);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
  });
}
