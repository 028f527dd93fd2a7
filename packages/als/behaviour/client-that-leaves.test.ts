import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { FLAG, FRAME, frame, framed, hpack, PREFACE } from "@fenceline/wire/testing/frames";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { STREAM_V3 } from "../src/methods.ts";
import { createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { rawHttp2 } from "../src/testing/http2-client.ts";

const CANCEL = Buffer.from([0, 0, 0, 8]);
const STREAM = 1;

const CALL = { ":method": "POST", ":scheme": "http", ":path": STREAM_V3, ":authority": "c", "content-type": "application/grpc" };
const MESSAGE = framed(
  encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "n", namespace: "test1" } }, entries: [{ authority: "b" }] }),
);
const RESET = frame(FRAME.RST_STREAM, 0, STREAM, CANCEL);

const MANY = frame(FRAME.DATA, 0, STREAM, Buffer.concat(Array(20).fill(MESSAGE)));

/** A millisecond for each message: some of them wait for another turn. */
class SlowSink extends CollectingSink {
  override entries(...given: Parameters<CollectingSink["entries"]>): void {
    super.entries(...given);
    const until = performance.now() + 1;
    while (performance.now() < until);
  }
}

const CALLS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a stream of access logs": CALL,
  "a call of no method": { ...CALL, ":path": "/none" },
  "a call that compresses": { ...CALL, "grpc-encoding": "gzip" },
  "a GET": { ...CALL, ":method": "GET" },
  "a POST of something else": { ...CALL, "content-type": "text/plain" },
};
const TAILS: Readonly<Record<string, readonly Buffer[]>> = {
  "resets it at once": [RESET],
  "ends and resets it": [frame(FRAME.DATA, FLAG.END_STREAM, STREAM), RESET],
  "sends a message and resets it": [frame(FRAME.DATA, 0, STREAM, MESSAGE), RESET],
  "sends more than a turn has time for, and resets it": [MANY, MANY, RESET],
  "sends more than a turn has time for, ends and resets it": [MANY, MANY, frame(FRAME.DATA, FLAG.END_STREAM, STREAM, MESSAGE), RESET],
  "sends more than a turn has time for, and breaks the protocol": [MANY, MANY, frame(FRAME.SETTINGS, 0, 7)],
  "ends it and says goodbye": [frame(FRAME.DATA, FLAG.END_STREAM, STREAM, MESSAGE), frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(8))],
  "ends it and breaks the protocol": [frame(FRAME.DATA, FLAG.END_STREAM, STREAM, MESSAGE), frame(FRAME.SETTINGS, 0, 7)],
};

for (const [what, fields] of Object.entries(CALLS))
  for (const [tail, frames] of Object.entries(TAILS))
    test(`T-10 whoever begins ${what}, and ${tail} in one piece, ends neither the process nor leaves anything`, async (t) => {
      const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink: new SlowSink() });
      t.after(() => server.close(0));
      const begin = [PREFACE, frame(FRAME.SETTINGS, 0, 0), frame(FRAME.HEADERS, FLAG.END_HEADERS, STREAM, hpack(fields))];
      for (const leaves of [false, true]) {
        const socket = connect(server.port, "127.0.0.1").on("error", () => {});
        await once(socket, "connect");
        socket.resume();
        await new Promise<void>((resolve) => socket.write(Buffer.concat([...begin, ...frames]), () => resolve()));
        if (leaves) socket.destroy();
        // What an answer to a stream that is gone would throw is thrown before another connection
        // is answered.
        const honest = rawHttp2(t, server.port);
        const { stream, status } = honest.call();
        stream.end(MESSAGE);
        assert.equal(await status, 0);
        honest.session.destroy();
        socket.destroy();
      }
      while (server.connections > 0) await new Promise(setImmediate);
      assert.deepEqual([server.streams, server.heldBytes], [0, 0]);
    });

test("T-10 clients that break their connections while the messages of their streams wait for a turn do not end the process", async (t) => {
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink: new CollectingSink() });
  t.after(() => server.close(0));
  const empty = Buffer.alloc(60_000);
  for (let round = 0; round < 3; round += 1) {
    const clients = Array.from({ length: 20 }, () => rawHttp2(t, server.port));
    const streams = clients.flatMap((client) => Array.from({ length: 20 }, () => client.call().stream));
    for (const stream of streams) stream.write(empty);
    while (server.streams < streams.length) await new Promise(setImmediate);
    for (const { session } of clients) session.destroy();
    await Promise.all(clients.map(({ closed }) => closed));
    while (server.connections > 0) await new Promise(setImmediate);
  }
  assert.deepEqual([server.streams, server.heldBytes], [0, 0]);
});

test("T-10 clients that end their side behind streams that are refused little by little do not end the process", async (t) => {
  const server = await createAccessLogServer({
    host: "127.0.0.1",
    port: 0,
    sink: new CollectingSink(),
    limits: { streamBurst: 1, streamRate: 1 },
  });
  t.after(() => server.close(0));
  const streams = Array.from({ length: 40 }, (_, index) => frame(FRAME.HEADERS, FLAG.END_HEADERS, 2 * index + 1, hpack(CALL)));
  const bytes = Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0), ...streams]);
  for (let round = 0; round < 10; round += 1) {
    const sockets = Array.from({ length: 20 }, () => connect(server.port, "127.0.0.1").on("error", () => {}));
    for (const socket of sockets) socket.resume().end(bytes);
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
  }
  while (server.connections > 0) await new Promise(setImmediate);
  assert.deepEqual([server.streams, server.heldBytes], [0, 0]);
});
