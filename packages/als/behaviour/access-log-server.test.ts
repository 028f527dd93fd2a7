import assert from "node:assert/strict";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { type GrpcMethod, OK } from "@fenceline/wire";
import { asBytes } from "@fenceline/wire/client";
import { Client, credentials, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { STREAM_V2, STREAM_V3 } from "../src/methods.ts";
import type { AccessLogSink } from "../src/service/sink.ts";
import { createAccessLogServer, type ServerLimits } from "../src/testing/access-log-server.ts";
import { arbitraryMessage } from "../src/testing/arbitrary-wire.ts";
import { capturedMessages } from "../src/testing/captures.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { rawClient } from "../src/testing/raw-client.ts";
import { V3 } from "../src/testing/schemas.ts";

const log = (logName: string) => ({ logName, node: { id: `node of ${logName}`, namespace: "test1" } });
const message = (...authorities: string[]) => encodeAccessLogMessage({ entries: authorities.map((authority) => ({ authority })) });
const named = (logName: string, ...authorities: string[]) =>
  encodeAccessLogMessage({ identifier: log(logName), entries: authorities.map((authority) => ({ authority })) });

/** A server and a client of it, both gone after the test. */
async function start(t: TestContext, sink: AccessLogSink, limits: Partial<ServerLimits> = {}) {
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, limits });
  const client = rawClient(server.port);
  t.after(async () => {
    client.close();
    await server.close(0);
  });
  return { server, client };
}

for (const [version, path] of [
  ["v3", STREAM_V3],
  ["v2", STREAM_V2],
] as const) {
  test(`a ${version} stream reaches the sink with its identity, and is answered when it ends`, async (t) => {
    const sink = new CollectingSink();
    const { client, server } = await start(t, sink);
    const stream = client.open(path, { "x-forwarded-client-cert": "By=spiffe://c;URI=spiffe://a" });
    stream.write(named("fenceline/test1/a", "b.test1"));
    stream.write(message("c.test1", "d.test1"));
    stream.end();
    assert.equal(await stream.ended, undefined);
    assert.deepEqual(sink.authorities, ["b.test1", "c.test1", "d.test1"]);
    const [opened] = sink.streams;
    assert.deepEqual([opened?.logName, opened?.node.namespace], ["fenceline/test1/a", "test1"]);
    assert.match(opened?.peer ?? "", /^127\.0\.0\.1:\d+$/);
    assert.equal(opened?.forwardedClientCert, "By=spiffe://c;URI=spiffe://a");
    assert.deepEqual([sink.streams.length, sink.closedStreams, server.streams], [1, 1, 0]);
  });
}

test("a captured Envoy stream passes the server whole", async (t) => {
  const sink = new CollectingSink();
  const { client } = await start(t, sink);
  const stream = client.open();
  for (const bytes of capturedMessages("envoy-1.40-http.bin")) stream.write(bytes);
  stream.end();
  await stream.ended;
  assert.deepEqual([sink.all.length, sink.streams[0]?.logName, sink.drops], [12, "fence-http", {}]);
  assert.equal(sink.streams[0]?.forwardedClientCert, undefined);
});

test("entries before the identifier are dropped and counted, those after it are not", async (t) => {
  const sink = new CollectingSink();
  const { client } = await start(t, sink);
  const stream = client.open();
  stream.write(message("early", "early too"));
  stream.write(named("log", "with it"));
  stream.write(message("after"));
  stream.end();
  await stream.ended;
  assert.deepEqual([sink.authorities, sink.drops], [["with it", "after"], { no_identifier: 2 }]);
});

test("a stream keeps the identity of its first message", async (t) => {
  const seen: string[] = [];
  const { client } = await start(t, { entries: ({ logName }) => seen.push(logName), dropped: () => undefined });
  const stream = client.open();
  stream.write(named("first", "b"));
  stream.write(named("second", "b"));
  stream.end();
  await stream.ended;
  assert.deepEqual(seen, ["first", "first"]);
});

test("two streams on one connection keep their identities apart", async (t) => {
  const seen: string[] = [];
  const { client } = await start(t, {
    entries: ({ logName }, entries) => seen.push(`${logName} ${entries[0]?.authority}`),
    dropped: () => undefined,
  });
  const [one, two] = [client.open(), client.open()];
  one.write(named("one", "a"));
  two.write(named("two", "b"));
  one.write(message("c"));
  two.write(message("d"));
  one.end();
  two.end();
  await Promise.all([one.ended, two.ended]);
  assert.deepEqual(seen.toSorted(), ["one a", "one c", "two b", "two d"]);
});

test("broken messages and entries are counted, and the stream goes on", async (t) => {
  const sink = new CollectingSink();
  const { client } = await start(t, sink);
  const stream = client.open();
  stream.write(named("log", "b"));
  stream.write(Buffer.from([0x12, 0x7f, 0x0a]));
  stream.write(Buffer.from([0x12, 0x04, 0x0a, 0x02, 0x1a, 0x7f]));
  stream.write(message("c"));
  stream.end();
  assert.equal(await stream.ended, undefined);
  assert.deepEqual([sink.authorities, sink.drops], [["b", "c"], { malformed_message: 1, malformed_entry: 1 }]);
});

test("no bytes whatever end a stream: valid, mutilated or random messages, the next one still arrives", async (t) => {
  const sink = new CollectingSink();
  const { client } = await start(t, sink);
  const cut = fc.tuple(arbitraryMessage(V3), fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)));
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  const stream = client.open();
  for (const bytes of fc.sample(fc.oneof(arbitraryMessage(V3), cut, noise), 500)) stream.write(bytes);
  stream.write(named("log", "the end"));
  stream.end();
  assert.equal(await stream.ended, undefined);
  assert.equal(sink.authorities.at(-1), "the end");
});

test("a sink that throws loses its entries, with the cause, and nothing else", async (t) => {
  const drops: unknown[] = [];
  const cause = new Error("the sink is broken");
  const { client } = await start(t, {
    entries: () => {
      throw cause;
    },
    opened: () => {
      throw cause;
    },
    dropped: (...drop) => {
      drops.push(drop);
      throw cause;
    },
  });
  const stream = client.open();
  stream.write(named("log", "a", "b"));
  stream.write(message("c"));
  stream.end();
  assert.equal(await stream.ended, undefined);
  assert.deepEqual(drops, [
    ["sink_error", 0, cause],
    ["sink_error", 2, cause],
    ["sink_error", 1, cause],
  ]);
});

test("a message beyond the limit ends its stream with RESOURCE_EXHAUSTED, and the server serves on", async (t) => {
  const sink = new CollectingSink();
  const { client, server } = await start(t, sink, { maxMessageBytes: 1_000 });
  const stream = client.open();
  stream.write(named("log", "x".repeat(2_000)));
  assert.equal((await stream.ended)?.code, status.RESOURCE_EXHAUSTED);
  const next = client.open();
  next.write(named("log", "b"));
  next.end();
  assert.equal(await next.ended, undefined);
  assert.deepEqual([sink.authorities, server.streams], [["b"], 0]);
});

test("a stream beyond the cap is refused and counted, and its place is free again when another one ends", async (t) => {
  const sink = new CollectingSink();
  const { client } = await start(t, sink, { maxStreams: 1 });
  const first = client.open();
  first.write(named("first", "a"));
  await sink.until(() => sink.streams.length === 1);
  assert.equal((await client.open().ended)?.code, status.RESOURCE_EXHAUSTED);
  assert.deepEqual(sink.drops, { too_many_streams: 1 });
  first.end();
  await first.ended;
  const third = client.open();
  third.write(named("third", "c"));
  third.end();
  assert.equal(await third.ended, undefined);
});

test("a cancelled stream is closed for the sink", async (t) => {
  const sink = new CollectingSink();
  const { client, server } = await start(t, sink);
  const stream = client.open();
  stream.write(named("log", "a"));
  await sink.until(() => sink.streams.length === 1);
  stream.cancel();
  await sink.until(() => sink.closedStreams === 1);
  assert.equal(server.streams, 0);
});

test("closing answers open streams with OK and frees the port", async (t) => {
  const sink = new CollectingSink();
  const { client, server } = await start(t, sink);
  const stream = client.open();
  stream.write(named("log", "a"));
  await sink.until(() => sink.streams.length === 1);
  await server.close();
  assert.equal(await stream.ended, undefined);
  assert.deepEqual([sink.closedStreams, server.streams], [1, 0]);
  const successor = await createAccessLogServer({ host: "127.0.0.1", port: server.port, sink });
  await successor.close();
});

test("another service shares the port, and its calls end when the server closes", async (t) => {
  const path = "/fenceline.test/Watch";
  const watch: GrpcMethod = {
    open: (call) => ({
      message: (bytes) => call.send(Buffer.from(`hello ${bytes}`)),
      retire: () => call.end(OK),
    }),
  };
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink: new CollectingSink(), services: [{ [path]: watch }] });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  t.after(() => client.close());
  const call = client.makeServerStreamRequest(path, asBytes, asBytes, Buffer.from("you"));
  const [first] = await once(call, "data");
  assert.equal(String(first), "hello you");
  const ended = once(call, "end");
  await server.close();
  await ended;
});

test("a port that is taken is a typed error", async (t) => {
  const { server } = await start(t, new CollectingSink());
  await assert.rejects(createAccessLogServer({ host: "127.0.0.1", port: server.port, sink: new CollectingSink() }), {
    code: "LISTEN_FAILED",
  });
});

const hasIpv6 = networkInterfaces().lo?.some(({ family }) => family === "IPv6") === true;

test("it listens on an IPv6 address too", { skip: hasIpv6 ? false : "this machine has no IPv6 on its loopback" }, async () => {
  const server = await createAccessLogServer({ host: "::1", port: 0, sink: new CollectingSink() });
  assert.ok(server.port > 0);
  await server.close();
});
