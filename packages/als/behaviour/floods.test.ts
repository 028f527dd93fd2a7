import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { peerOf } from "@fenceline/wire";
import { asBytes } from "@fenceline/wire/client";
import { frame, framed, PREFACE } from "@fenceline/wire/testing/frames";
import { Client, compressionAlgorithms, credentials, status } from "@grpc/grpc-js";
import type { AccessLogEntry } from "../src/access-log-entry.ts";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { STREAM_V3 } from "../src/methods.ts";
import type { AccessLogStream, DropReason } from "../src/service/sink.ts";
import { createAccessLogServer, type ServerLimits } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { delimited, FRAMES, MESSAGES, named, tinyEntries } from "../src/testing/flood-bytes.ts";
import { rawHttp2 } from "../src/testing/http2-client.ts";
import { rawClient } from "../src/testing/raw-client.ts";

const { OK, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INVALID_ARGUMENT } = status;

/** A sink that keeps of a flood's entries only how many they were. */
class FloodSink extends CollectingSink {
  flooded = 0;

  override entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void {
    if (stream.logName.startsWith("flood")) this.flooded += entries.length;
    else super.entries(stream, entries);
  }

  override dropped(reason: DropReason, count: number): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + count;
  }
}

async function start(t: TestContext, limits: Partial<ServerLimits> = {}) {
  const sink = new FloodSink();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, limits });
  t.after(() => server.close(0));
  return { server, sink };
}

/** One edge on a stream of its own, and the time until it was learned. */
async function honest(t: TestContext, port: number, sink: CollectingSink): Promise<number> {
  const authority = `honest-${performance.now()}`;
  const client = rawClient(port);
  t.after(() => client.close());
  const begin = performance.now();
  client.open().write(named("honest", authority));
  await sink.until(() => sink.authorities.includes(authority));
  return performance.now() - begin;
}

test("T-09 a client that compresses is refused before its first message, and nothing of it is inflated", async (t) => {
  const { server, sink } = await start(t);
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
    "grpc.enable_retries": 0,
  });
  t.after(() => client.close());
  const ended = Promise.withResolvers<number | undefined>();
  const call = client.makeClientStreamRequest(STREAM_V3, asBytes, asBytes, (error) => ended.resolve(error?.code));
  call.on("error", () => {});
  call.write(tinyEntries(2_000_000));
  assert.equal(await ended.promise, UNIMPLEMENTED);
  assert.deepEqual([sink.limits, sink.all.length, server.heldBytes], [{ compressed: 1 }, 0, 0]);
});

test("T-09 a message with the flag for compression ends its stream, whatever the header said", async (t) => {
  const { server, sink } = await start(t);
  const client = rawHttp2(t, server.port);
  for (const headers of [{}, { "grpc-encoding": "identity" }]) {
    const call = client.call(headers);
    call.stream.write(framed(gzipSync(tinyEntries(100_000)), 1));
    assert.equal(await call.status, UNIMPLEMENTED);
  }
  assert.deepEqual([sink.limits, sink.all.length], [{ compressed: 2 }, 0]);
});

test("T-09 a message of more entries than are taken keeps the first ones and counts the others", async (t) => {
  const { server, sink } = await start(t, { maxEntries: 100 });
  const client = rawHttp2(t, server.port);
  const { stream, status: ended } = client.call();
  stream.write(framed(named("log", "a")));
  stream.end(framed(tinyEntries(131_000)));
  assert.equal(await ended, OK);
  assert.deepEqual([sink.all.length, sink.drops], [101, { too_many_entries: 130_900 }]);
});

test("T-09 texts that no name has are read as absent, and the rest of the entry counts", async (t) => {
  const { server, sink } = await start(t);
  const client = rawHttp2(t, server.port);
  const { stream, status: ended } = client.call();
  const entry = { authority: "x".repeat(600), upstreamCluster: "outbound|80||b", peerUris: ["y".repeat(600)] };
  stream.end(framed(encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "" } }, entries: [entry] })));
  assert.equal(await ended, OK);
  const [read] = sink.all;
  assert.deepEqual([read?.authority, read?.upstreamCluster], ["", "outbound|80||b"]);
  assert.deepEqual(read?.peerUris, ["urn:fenceline:too-long"], "a certificate that cannot be read is not one that is absent");
});

for (const [what, identifier] of [
  ["a log name", { logName: "x".repeat(513), node: { id: "" } }],
  ["a label", { logName: "log", node: { id: "", namespace: "test1", labels: { app: "x".repeat(513) } } }],
  ["labels", { logName: "log", node: { id: "", labels: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`l${n}`, "v"])) } }],
] as const) {
  test(`T-10 an identifier with ${what} beyond what is kept ends its stream`, async (t) => {
    const { server, sink } = await start(t);
    const { stream, status: ended } = rawHttp2(t, server.port).call();
    stream.write(framed(encodeAccessLogMessage({ identifier, entries: [{ authority: "b" }] })));
    assert.equal(await ended, INVALID_ARGUMENT);
    assert.deepEqual([sink.drops, sink.streams.length], [{ identifier_too_large: 1, no_identifier: 1 }, 0]);
  });
}

test("T-10 what else an identifier says is not kept: a node with 200 KB of annotations opens a stream that holds some bytes", async (t) => {
  const { server, sink } = await start(t);
  const { stream } = rawHttp2(t, server.port).call();
  const value = delimited(2, delimited(3, Buffer.alloc(200_000, 0x61)));
  const node = delimited(1, delimited(3, delimited(1, Buffer.concat([delimited(1, Buffer.from("ANNOTATIONS")), value]))));
  const identifier = delimited(1, Buffer.concat([node, delimited(2, Buffer.from("log"))]));
  stream.write(framed(identifier));
  await sink.until(() => sink.streams.length === 1);
  assert.deepEqual([sink.drops, sink.streams[0]?.logName], [{}, "log"]);
  assert.ok(server.heldBytes < 1_000, `${server.heldBytes} bytes are held`);
});

for (const [what, message] of Object.entries(MESSAGES)) {
  test(`T-09 beside 20 streams of nothing but ${what}, an honest stream is heard, and turns of the event loop stay short`, async (t) => {
    const { server, sink } = await start(t);
    const piece = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(200_000 / (message.length + 5))) }, () => framed(message)));
    const flooding = new AbortController();
    t.after(() => flooding.abort());
    const connections = Array.from({ length: 5 }, () => rawHttp2(t, server.port));
    for (let index = 0; index < 20; index++) {
      const { stream } = connections[index % 5]?.call() ?? assert.fail();
      stream.write(framed(named(`flood-${index}`, "flood")));
      void flood(stream, piece, flooding.signal);
    }
    await sink.until(() => sink.streams.length === 20);
    for (let round = 0; round < 5; round++) {
      const took = await honest(t, server.port, sink);
      assert.ok(took < 2_000, `an honest stream was heard after ${took} ms`);
    }
    assert.ok(server.heldBytes <= 20 * 256 * 1_024);
  });
}

/** Writes for as long as the server reads. */
async function flood(stream: NodeJS.WritableStream, piece: Buffer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (!stream.write(piece)) await once(stream, "drain", { signal }).catch(() => {});
    await turn();
  }
}

test("T-10 a stream that begins a message and stops is ended, and what it held is given back", async (t) => {
  const { server, sink } = await start(t, { maxMessageMs: 500 });
  const client = rawHttp2(t, server.port);
  const begun = client.call();
  begun.stream.write(framed(Buffer.alloc(100_000), 0, 200_000));
  const silent = client.call();
  assert.deepEqual(await Promise.all([begun.status, silent.status]), [RESOURCE_EXHAUSTED, RESOURCE_EXHAUSTED]);
  assert.deepEqual([sink.limits, server.heldBytes, server.streams], [{ message_time: 2 }, 0, 0]);
});

test("T-10 unfinished messages of one peer are bounded: the one too much ends its stream, the others may go on", async (t) => {
  const { server, sink } = await start(t, { maxHeldBytesPerPeer: 1_000_000 });
  const client = rawHttp2(t, server.port);
  const calls = Array.from({ length: 8 }, () => client.call());
  for (const { stream } of calls) stream.write(framed(Buffer.alloc(200_000), 0, 250_000));
  await sink.until(() => (sink.limits.peer_bytes ?? 0) >= 1);
  assert.ok(server.heldBytes <= 1_000_000, `${server.heldBytes} bytes are held`);
  assert.ok(server.streams >= 3, `${server.streams} streams are left`);
  assert.ok((await honest(t, server.port, sink)) < 10_000);
});

test("T-10 when all bytes are taken, the peer that holds most gives up a message to a newcomer", async (t) => {
  const { server, sink } = await start(t, { maxHeldBytes: 1_000_000, maxHeldBytesPerPeer: 900_000 });
  const as = (account: string) => ({ "x-forwarded-client-cert": `By=spiffe://x;URI=spiffe://cluster.local/ns/test1/sa/${account}` });
  const client = rawHttp2(t, server.port);
  const greedy = Array.from({ length: 4 }, () => client.call(as("greedy")));
  for (const { stream } of greedy) stream.write(framed(Buffer.alloc(200_000), 0, 210_000));
  while (server.heldBytes < 800_000) await turn();
  const modest = client.call(as("modest"));
  modest.stream.write(framed(named("modest", "x".repeat(400)).subarray(0, 400), 0, 200_000));
  modest.stream.write(Buffer.alloc(190_000));
  await sink.until(() => sink.limits.displaced === 1);
  assert.equal(sink.limits.peer_bytes, undefined);
  const ended = await Promise.race([...greedy.map(({ status: over }) => over), modest.status.then(() => "modest")]);
  assert.equal(ended, RESOURCE_EXHAUSTED);
});

test("T-10 streams of one peer are limited, and when all are taken the peer with most gives one up to a newcomer", async (t) => {
  const { server, sink } = await start(t, { maxStreams: 6, maxStreamsPerPeer: 5 });
  const as = (account: string) => ({ "x-forwarded-client-cert": `By=spiffe://x;URI=spiffe://cluster.local/ns/test1/sa/${account}` });
  const client = rawHttp2(t, server.port);
  const open = (account: string) => {
    const call = client.call(as(account));
    call.stream.write(framed(named(account)));
    return call;
  };
  const many = Array.from({ length: 6 }, () => open("many"));
  assert.equal(await many[5]?.status, RESOURCE_EXHAUSTED);
  open("one");
  await sink.until(() => sink.streams.length === 6);
  open("two");
  await sink.until(() => sink.streams.length === 7);
  assert.equal(await many[0]?.status, RESOURCE_EXHAUSTED);
  assert.deepEqual([sink.limits, server.streams], [{ peer_streams: 1, displaced: 1 }, 6]);
});

test("T-10 an address cannot pass for many peers by the names that it gives itself, unless it is the sidecar's", async () => {
  const headers = { "x-forwarded-client-cert": "By=spiffe://x;URI=spiffe://cluster.local/ns/test1/sa/a" };
  const domains = ["cluster.local"];
  assert.equal(peerOf(headers, "10.1.2.3", domains), "10.1.2.3");
  assert.equal(peerOf(headers, "::ffff:10.1.2.3", domains), "::ffff:10.1.2.3");
  for (const address of ["127.0.0.6", "::ffff:127.0.0.6", "::6", "127.0.0.1", "::1"])
    assert.equal(peerOf(headers, address, domains), "test1/a");
  assert.equal(peerOf({ "x-forwarded-client-cert": "x" }, "127.0.0.6", domains), "127.0.0.6");
  assert.equal(peerOf({}, "127.0.0.6", domains), "127.0.0.6");
});

test("T-10 connections are limited in all and of one address, and a place is free again when one ends", async (t) => {
  const { server, sink } = await start(t, { maxConnectionsPerAddress: 3 });
  const sockets = await Promise.all([1, 2, 3, 4].map(() => opened(t, server.port)));
  await sink.until(() => sink.limits.address_connections === 1);
  assert.equal(server.connections, 3);
  for (const socket of sockets) socket.destroy();
  while (server.connections > 0) await turn();
  assert.ok((await honest(t, server.port, sink)) < 10_000);
});

test("T-10 a stream without a message is answered with OK in time, and the next one is taken: an Envoy loses nothing", async (t) => {
  const { server, sink } = await start(t, { maxStreamIdleMs: 1_000 });
  const client = rawHttp2(t, server.port);
  const { stream, status: ended } = client.call();
  stream.write(framed(named("log", "a")));
  assert.equal(await ended, OK);
  assert.deepEqual([sink.limits, sink.closedStreams], [{ idle: 1 }, 1]);
  client.call().stream.write(framed(named("log", "b")));
  await sink.until(() => sink.authorities.includes("b"));
});

test("T-10 a connection without a stream is closed in time", async (t) => {
  const { server, sink } = await start(t, { maxConnectionIdleMs: 500, maxConnectionAgeGraceMs: 100 });
  const socket = await opened(t, server.port);
  await once(socket, "close");
  assert.equal(sink.limits.idle, 1);
});

async function opened(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

for (const [what, flood] of Object.entries(FRAMES)) {
  test(`T-09 a connection that floods ${what} is cut, and the others are served on`, async (t) => {
    const { server, sink } = await start(t);
    const socket = await opened(t, server.port);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(Buffer.concat([PREFACE, frame(4, 0, 0)]));
    for (let round = 0; !socket.destroyed && socket.writable; round++) {
      if (!socket.write(flood(round))) await Promise.race([once(socket, "drain").catch(() => {}), closed]);
      await turn();
    }
    await closed;
    const cut = ["overhead", "control_frames", "stream_rate", "http2"].filter((limit) => limit in sink.limits);
    assert.ok(cut.length > 0, `no limit was told: ${JSON.stringify(sink.limits)}`);
    assert.ok((await honest(t, server.port, sink)) < 10_000);
  });
}

test("T-09 keepalive of gRPC, an early retreat now and then, and many streams one after the other are no flood", async (t) => {
  const { server, sink } = await start(t);
  const client = rawHttp2(t, server.port);
  for (let round = 0; round < 50; round++) {
    const { stream, status: ended } = client.call({ "x-forwarded-client-cert": `By=spiffe://x;Subject="${"x".repeat(500)}";URI=${round}` });
    if (round % 10 === 0) client.session.ping(() => {});
    stream.end(framed(named("log", `edge-${round}`)));
    assert.equal(await ended, OK);
  }
  assert.deepEqual([sink.limits, sink.authorities.length, client.session.closed], [{}, 50, false]);
});
