import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FLAG, FRAME, frame, framed, hpack, PREFACE } from "@fenceline/wire/testing/frames";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { STREAM_V3 } from "../src/methods.ts";
import { createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";

const CANCEL = Buffer.from([0, 0, 0, 8]);
const PAYLOAD = Buffer.alloc(8, 7);
const PONG = frame(FRAME.PING, FLAG.ACK, 0, PAYLOAD);
/** A peer may open 20 streams, and hardly another one after that. */
const RATE = { maxStreamsPerPeer: 10, streamRate: 0.001 };
/** Fewer than are refused before a connection is cut, and many more. */
const FEW = 400;
const MANY = 5_000;
const CALL = { ":method": "POST", ":scheme": "http", ":path": STREAM_V3, ":authority": "c", "content-type": "application/grpc" };
const certificate = (namespace: string) => ({ "x-forwarded-client-cert": `By=spiffe://c;URI=spiffe://cluster.local/ns/${namespace}/sa/x` });
const message = (authority: string) =>
  framed(encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "n", namespace: "test1" } }, entries: [{ authority }] }));

async function start(t: TestContext) {
  const sink = new CollectingSink();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, limits: RATE });
  t.after(() => server.close(0));
  return { sink, port: server.port };
}

/** A connection that says what it likes. */
async function connected(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]));
  return socket;
}

/**
 * Streams of which each is reset in the piece that opens it, and a PING behind them. Resolves with
 * whether the connection was cut before it was answered.
 */
function isCutFor(socket: Socket, count: number, headers: Readonly<Record<string, string>>, first = 1): Promise<boolean> {
  const header = hpack({ ...CALL, ...headers });
  const pairs = Array.from({ length: count }, (_, index) => {
    const stream = first + 2 * index;
    return [frame(FRAME.HEADERS, FLAG.END_HEADERS, stream, header), frame(FRAME.RST_STREAM, 0, stream, CANCEL)];
  });
  const isCut = new Promise<boolean>((resolve) => {
    let answered = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      answered = Buffer.concat([answered.subarray(-PONG.length), chunk]);
      if (answered.includes(PONG)) resolve(false);
    });
    socket.on("close", () => resolve(true));
  });
  socket.write(Buffer.concat([...pairs.flat(), frame(FRAME.PING, 0, 0, PAYLOAD)]));
  return isCut;
}

for (const [whose, headers] of Object.entries({ "an address": {}, "a certified peer, and nobody else's,": certificate("evil") }))
  test(`T-09 a connection of ${whose} is cut when thousands of streams are reset on it as they are opened`, async (t) => {
    const { port, sink } = await start(t);
    assert.equal(await isCutFor(await connected(t, port), FEW, headers), false);
    assert.equal(await isCutFor(await connected(t, port), MANY, headers), true);
    assert.deepEqual(Object.keys(sink.limits), ["stream_rate"]);
  });

test("T-09 a certified peer has one allowance of resets, over however many connections it sends them", async (t) => {
  const { port, sink } = await start(t);
  const cut: boolean[] = [];
  for (let count = 0; count < 8; count += 1) cut.push(await isCutFor(await connected(t, port), FEW, certificate("evil")));
  assert.equal(cut[0], false);
  assert.ok(cut.includes(true), "no connection was cut");
  assert.deepEqual(Object.keys(sink.limits), ["stream_rate"]);
});

test("T-09 a connection that two peers share is not cut for the resets of one of them, and the other's stream goes on", async (t) => {
  const { port, sink } = await start(t);
  const socket = await connected(t, port);
  const data = (authority: string) => frame(FRAME.DATA, 0, 1, message(authority));
  const header = hpack({ ...CALL, ...certificate("honest") });
  socket.write(Buffer.concat([frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, header), data("before")]));
  await sink.until(() => sink.authorities.includes("before"));

  assert.equal(await isCutFor(socket, MANY, certificate("evil"), 3), false);

  socket.write(data("after"));
  await sink.until(() => sink.authorities.includes("after"));
  assert.deepEqual(Object.keys(sink.limits), ["stream_rate"]);
});
