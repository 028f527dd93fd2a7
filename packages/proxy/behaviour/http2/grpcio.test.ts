import assert from "node:assert/strict";
import { test } from "node:test";
import { callWithGrpcio, type GrpcioCalls, type GrpcioReport, NO_GRPCIO, startGrpcio } from "../../src/testing/grpcio-peer.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

interface Case {
  readonly name: string;
  readonly call: GrpcioCalls;
  readonly expected: GrpcioReport;
}

const MB = 1_000_000;

const cases: readonly Case[] = [
  {
    name: "T-32 grpcio makes a thousand calls one after the other",
    call: { method: "Echo", calls: 1_000 },
    expected: { outcomes: { OK: 1_000 }, messages: 1_000, bytes: 100_000, trailed: 1_000 },
  },
  {
    name: "T-32 grpcio sends and reads messages of 3 MB",
    call: { method: "Echo", calls: 5, size: 3 * MB },
    expected: { outcomes: { OK: 5 }, messages: 5, bytes: 15 * MB, trailed: 5 },
  },
  {
    name: "T-32 grpcio reads a stream to its end",
    call: { method: "Pour", count: 1_000, size: 1_000 },
    expected: { outcomes: { OK: 1 }, messages: 1_000, bytes: MB, trailed: 1 },
  },
  {
    name: "T-32 grpcio sends a stream to its end",
    call: { method: "Gather", count: 100, size: 10_000 },
    expected: { outcomes: { OK: 1 }, messages: 1, bytes: 7, trailed: 1 },
  },
  {
    name: "T-32 a bidirectional stream of grpcio comes to its end",
    call: { method: "Chat", count: 100, size: 100_000 },
    expected: { outcomes: { OK: 1 }, messages: 100, bytes: 10 * MB, trailed: 1 },
  },
  {
    name: "T-33 a grpcio caller that is still sending gets the status of an early end, every time",
    call: { method: "Exhausted", calls: 100, count: 1_000, size: 4_096 },
    expected: { outcomes: { RESOURCE_EXHAUSTED: 100 }, messages: 0, bytes: 0, trailed: 100 },
  },
  {
    name: "T-32, T-34 a silent grpcio call of 7 s ends by its own deadline: each side's keepalives, which end a connection after 5 s, are answered",
    call: { method: "Hang", timeout: 7 },
    expected: { outcomes: { DEADLINE_EXCEEDED: 1 }, messages: 0, bytes: 0, trailed: 0 },
  },
];

for (const { name, call, expected } of cases) {
  test(name, { skip: NO_GRPCIO, timeout: 150_000 }, async (t) => {
    const server = await startGrpcio(t);
    const proxy = await startProxy(t, { [SERVICE]: [server] });

    const [without, through] = await Promise.all([callWithGrpcio(server, call), callWithGrpcio(proxy.port, call)]);

    assert.deepEqual(without, expected, "without the proxy");
    assert.deepEqual(through, expected, "through the proxy");
  });
}

test("T-47 a stream that grpcio cancels in its midst ends at the server too", { skip: NO_GRPCIO, timeout: 150_000 }, async (t) => {
  const server = await startGrpcio(t);
  const proxy = await startProxy(t, { [SERVICE]: [server] });

  const cancelled = await callWithGrpcio(proxy.port, { method: "Endless", calls: 10, count: 3 });

  assert.deepEqual(cancelled, { outcomes: { CANCELLED: 10 }, messages: 30, bytes: 3_000, trailed: 0 });
  assert.deepEqual((await callWithGrpcio(server, { method: "NoneEndless", timeout: 30 })).outcomes, { OK: 1 });
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("T-35 a grpcio server that retires ends its stream in good order, and no call beside or after it fails", {
  skip: NO_GRPCIO,
  timeout: 150_000,
}, async (t) => {
  const servers = [await startGrpcio(t), await startGrpcio(t)];
  const proxy = await startProxy(t, { [SERVICE]: servers });

  const [stream, beside] = await Promise.all([
    callWithGrpcio(proxy.port, { method: "Retire", count: 100 }),
    callWithGrpcio(proxy.port, { method: "Echo", calls: 300 }),
  ]);
  const later = await callWithGrpcio(proxy.port, { method: "Echo", calls: 20 });
  const outcomes = await Promise.all(servers.map(async (server) => (await callWithGrpcio(server, { method: "Echo" })).outcomes));

  assert.deepEqual(stream, { outcomes: { OK: 1 }, messages: 100, bytes: 10_000, trailed: 1 });
  assert.deepEqual([beside.outcomes, later.outcomes], [{ OK: 300 }, { OK: 20 }]);
  assert.deepEqual(outcomes.map((seen) => Object.keys(seen)[0]).sort(), ["OK", "UNAVAILABLE"], "one of the servers is gone");
});
