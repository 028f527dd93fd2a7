import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FALLBACK_LOG_NAME } from "@fenceline/api/vocabulary";
import type { GrpcHost } from "@fenceline/wire";
import { createAccessLogServer } from "../testing/access-log-server.ts";
import { CollectingSink } from "../testing/collecting-sink.ts";
import type { EdgeReport } from "./edge-buffer.ts";
import { createEdgeReporter, type EdgeReporterOptions, type ReporterEvent } from "./edge-reporter.ts";

const QUICK = { first: 5, longest: 20 };

const edge = (authority: string, more: Partial<EdgeReport> = {}): EdgeReport => ({
  source: { namespace: "test1", name: "a" },
  authority,
  responseCode: 200,
  ...more,
});

function reporterTo(t: TestContext, port: number, options: Partial<EdgeReporterOptions> = {}) {
  const reporter = createEdgeReporter({ target: `127.0.0.1:${port}`, nodeId: "global-sidecar~1", backoff: QUICK, ...options });
  t.after(() => reporter.close(0));
  return reporter;
}

async function collector(t: TestContext, sink: CollectingSink, port = 0, maxStreams = 100): Promise<GrpcHost> {
  const server = await createAccessLogServer({ host: "127.0.0.1", port, sink, limits: { maxStreams } });
  t.after(() => server.close(0));
  return server;
}

test("equal edges of one window arrive as one entry that counts them, under the fallback's log name", async (t) => {
  const sink = new CollectingSink();
  const { port } = await collector(t, sink);
  const reporter = reporterTo(t, port, { node: { namespace: "mesh-operator" } });
  for (let request = 0; request < 100; request++) reporter.report(edge("b.test1"));
  reporter.report(edge("b.test1", { responseCode: 502 }));
  reporter.report(edge("c.test1"));
  reporter.report(edge("c.test1", { source: { namespace: "test2", name: "a" } }));
  await sink.until(() => sink.batches.length > 0);
  assert.equal(sink.batches.length, 1);
  assert.deepEqual(
    sink.all.map(({ fenceSource, authority, responseCode, requests }) => [fenceSource, authority, responseCode, requests]),
    [
      ["test1/a", "b.test1", 200, 100],
      ["test1/a", "b.test1", 502, 1],
      ["test1/a", "c.test1", 200, 1],
      ["test2/a", "c.test1", 200, 1],
    ],
  );
  const [stream] = sink.streams;
  assert.deepEqual([stream?.logName, stream?.node.id, stream?.node.namespace], [FALLBACK_LOG_NAME, "global-sidecar~1", "mesh-operator"]);
});

test("an entry tells the resolved destination as Istio's cluster and the address that was dialled", async (t) => {
  const sink = new CollectingSink();
  const { port } = await collector(t, sink);
  const reporter = reporterTo(t, port);
  const dialled = { address: "10.78.111.197", port: 80 };
  reporter.report(edge("b", { host: "b.test1.svc.cluster.local", port: 80, originalDestination: dialled }));
  reporter.report(edge("c", { host: "c.test1.svc.cluster.local", port: 80, upstreamCluster: "PassthroughCluster" }));
  reporter.report(edge("x".repeat(10_000)));
  await sink.until(() => sink.all.length === 3);
  assert.deepEqual(
    sink.all.map(({ upstreamCluster, downstreamLocalAddress, authority }) => [upstreamCluster, downstreamLocalAddress, authority]),
    [
      ["outbound|80||b.test1.svc.cluster.local", dialled, "b"],
      ["PassthroughCluster", undefined, "c"],
      ["", undefined, ""],
    ],
  );
});

test("reports made while the collector restarts arrive at the new one, which is told again who reports", async (t) => {
  const before = new CollectingSink();
  const server = await collector(t, before);
  const events: ReporterEvent["type"][] = [];
  const reporter = reporterTo(t, server.port, { onEvent: ({ type }) => events.push(type) });
  reporter.report(edge("before"));
  await before.until(() => before.all.length === 1);
  await server.close();
  for (let index = 0; index < 50; index++) reporter.report(edge(`meanwhile-${index}`));
  for (let turns = 0; turns < 20; turns++) await turn();
  const after = new CollectingSink();
  await collector(t, after, server.port);
  reporter.report(edge("after"));
  await after.until(() => after.authorities.includes("after") && after.authorities.includes("meanwhile-49"));
  for (let index = 0; index < 50; index++) assert.ok(after.authorities.includes(`meanwhile-${index}`), `meanwhile-${index}`);
  assert.equal(after.streams[0]?.node.id, "global-sidecar~1");
  assert.deepEqual(events.slice(0, 2), ["connected", "disconnected"]);
  assert.equal(reporter.stats().dropped, 0);
});

test("without a collector the buffer stays bounded, known edges are still summed up, and nothing throws", async (t) => {
  const server = await collector(t, new CollectingSink());
  await server.close();
  const reporter = reporterTo(t, server.port, { capacity: 10, flushIntervalMs: 60_000 });
  for (let index = 0; index < 1_000; index++) reporter.report(edge(`host-${index}`));
  for (let index = 0; index < 5; index++) reporter.report(edge("host-3"));
  const { reported, dropped, pending, connected } = reporter.stats();
  assert.deepEqual({ reported, dropped, pending, connected }, { reported: 1_005, dropped: 990, pending: 10, connected: false });
  await reporter.close(10);
  assert.deepEqual([reporter.stats().dropped, reporter.stats().pending], [1_005, 0]);
  reporter.report(edge("late"));
  assert.equal(reporter.stats().dropped, 1_006);
});

test("edges reported before there is a collector arrive when it comes up", async (t) => {
  const gone = await collector(t, new CollectingSink());
  await gone.close();
  const reporter = reporterTo(t, gone.port);
  reporter.report(edge("early", { responseCode: 201 }));
  for (let turns = 0; turns < 20; turns++) await turn();
  const sink = new CollectingSink();
  await collector(t, sink, gone.port);
  await sink.until(() => sink.all.length > 0);
  assert.deepEqual([sink.authorities, sink.all[0]?.responseCode], [["early"], 201]);
});

test("a refused stream loses nothing: its edges are sent again until they are taken", async (t) => {
  const refusing = new CollectingSink();
  const server = await collector(t, refusing, 0, 0);
  const reporter = reporterTo(t, server.port);
  reporter.report(edge("b"));
  await refusing.until(() => (refusing.drops.too_many_streams ?? 0) >= 2);
  await server.close();
  const sink = new CollectingSink();
  await collector(t, sink, server.port);
  await sink.until(() => sink.all.length > 0);
  assert.deepEqual(sink.authorities.slice(0, 1), ["b"]);
  assert.equal(reporter.stats().dropped, 0);
});

test("closing sends what is waiting, in as many messages as it takes", async (t) => {
  const sink = new CollectingSink();
  const { port } = await collector(t, sink);
  const reporter = reporterTo(t, port, { flushIntervalMs: 60_000 });
  for (let index = 0; index < 500; index++) reporter.report(edge(`host-${index}`));
  await reporter.close(10_000);
  assert.deepEqual(
    sink.batches.map(({ length }) => length),
    [128, 128, 128, 116],
  );
  const { sent, dropped, entries, messages, reconnects } = reporter.stats();
  assert.deepEqual({ sent, dropped, entries, messages, reconnects }, { sent: 500, dropped: 0, entries: 500, messages: 4, reconnects: 0 });
});

test("a collector that stops reading holds up one message, not the memory", async (t) => {
  const stuck = createServer().listen(0, "127.0.0.1");
  stuck.on("stream", (stream) => stream.pause().on("error", () => undefined));
  stuck.on("session", (session) => t.after(() => session.destroy()));
  t.after(() => stuck.close());
  await once(stuck, "listening");
  const reporter = reporterTo(t, (stuck.address() as AddressInfo).port, { capacity: 2_000, flushIntervalMs: 1 });
  const authority = (index: number) => `${index}-${"x".repeat(400)}`;
  let index = 0;
  while (reporter.stats().dropped === 0) {
    for (let burst = 0; burst < 200; burst++) reporter.report(edge(authority(index++)));
    await turn();
  }
  const { pending, messages } = reporter.stats();
  assert.equal(pending, 2_000);
  assert.ok(messages <= 5, `${messages} messages left although nobody reads`);
});

test("what a listener throws is ignored", async (t) => {
  const sink = new CollectingSink();
  const { port } = await collector(t, sink);
  const reporter = reporterTo(t, port, {
    onEvent: () => {
      throw new Error("the log is broken");
    },
  });
  reporter.report(edge("b"));
  await sink.until(() => sink.all.length === 1);
  await reporter.close();
  assert.equal(reporter.stats().sent, 1);
});
