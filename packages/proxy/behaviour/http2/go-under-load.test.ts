import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_GRPC_PEER, runEcho, runPeer, startPeer } from "../../src/testing/grpc-peer.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const needsPeer = { skip: NO_GRPC_PEER, timeout: 120_000 };

for (const { streams, calls, parallel } of [
  { streams: 100, calls: 3_000, parallel: 200 },
  { streams: 1, calls: 1_000, parallel: 50 },
]) {
  const load = `${calls} calls, ${parallel} at a time, beside MAX_CONCURRENT_STREAMS of ${streams}`;

  test(`T-35 no call of grpc-go fails while its server is replaced every 200 ms: ${load}`, needsPeer, async (t) => {
    const server = await startPeer(t, "serve", "-restart", "200ms", "-streams", `${streams}`);
    const proxy = await startProxy(t, { [SERVICE]: [server] });

    const { outcomes, messages, trailed } = await runPeer(proxy.port, "call", "-calls", `${calls}`, "-parallel", `${parallel}`);

    assert.deepEqual({ outcomes, messages, trailed }, { outcomes: { OK: calls }, messages: calls, trailed: calls });
  });

  test(`T-35 no request of Go's net/http fails while its server is replaced every 200 ms: ${load}`, needsPeer, async (t) => {
    const server = await startPeer(t, "serve-echo", "-restart", "200ms", "-streams", `${streams}`);
    const proxy = await startProxy(t, { [SERVICE]: [server] });

    const { outcomes, whole } = await runEcho(proxy.port, "-calls", `${calls}`, "-parallel", `${parallel}`);

    assert.deepEqual({ outcomes, whole }, { outcomes: { "200 HTTP/2.0": calls }, whole: calls });
  });
}

for (const { name, flags, server = [], outcome = "200 HTTP/2.0", continued = 0 } of [
  { name: "T-45 waits for 100 Continue", flags: ["-expect"], continued: 40 },
  { name: "T-45 waits for 100 Continue over HTTP/1.1", flags: ["-expect", "-http1"], outcome: "200 HTTP/1.1", continued: 40 },
  { name: "T-48 offers h2c, which is not taken up", flags: ["-upgrade"], outcome: "200 HTTP/1.1" },
  { name: "T-35 has a field of 50 KB both ways", flags: ["-field", "50000"] },
  { name: "T-32 pings a silent connection ten times a second", flags: ["-ping", "100ms", "-pause", "2s", "-parallel", "40"] },
  { name: "T-32 is behind a server that pings ten times a second", flags: ["-pause", "2s", "-parallel", "40"], server: ["-ping", "100ms"] },
]) {
  test(`${name}: Go's net/http gets body, field and trailer back as it sent them`, needsPeer, async (t) => {
    const port = await startPeer(t, "serve-echo", ...server);
    const proxy = await startProxy(t, { [SERVICE]: [port] });

    const report = await runEcho(proxy.port, "-calls", "40", "-parallel", "10", ...flags);

    assert.deepEqual(
      { outcomes: report.outcomes, whole: report.whole, continued: report.continued },
      { outcomes: { [outcome]: 40 }, whole: 40, continued },
    );
  });
}
