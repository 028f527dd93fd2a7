/** What is sent to keep a parser busy must leave the event loop to others. */
import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { currentTurn } from "../../src/net/current-turn.ts";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const PIECES = 30_000;
const CHUNKS = "1\r\nx\r\n".repeat(PIECES);
const POST = `POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nTransfer-Encoding: chunked\r\n\r\n`;
/**
 * Chunks of two turns of the event loop, of which the upload makes one chunk. One read brings
 * 10,000, and libuv reads up to 32 times in a row.
 */
const MOST_CHUNKS = 1_200;
/** Requests of one turn: each of them does more. */
const MOST_REQUESTS = 100;

/** The largest chunk in a text of chunks. What comes of an upload in a turn goes on as one. */
function largestChunk(body: string): number {
  return Math.max(...(body.match(/^[1-9a-f][\da-f]*(?=\r$)/gm) ?? []).map((size) => Number.parseInt(size, 16)));
}

for (const [when, pauses] of [
  ["in one piece with its header", false],
  ["behind its header", true],
] as const) {
  test(`T-09 an upload in chunks of one byte that comes ${when} is read a few chunks in a turn, and whole`, async (t) => {
    const received = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const upstream = await startRawUpstream(t, (socket) => {
      let text = "";
      socket.on("data", (data) => {
        text += data.toString("latin1");
        begun.resolve();
        if (!text.endsWith("\r\n0\r\n\r\n")) return;
        received.resolve(text);
        socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);
    t.after(() => client.destroy());

    client.write(pauses ? POST : `${POST}${CHUNKS}0\r\n\r\n`);
    await begun.promise;
    if (pauses) client.write(`${CHUNKS}0\r\n\r\n`);
    const request = await received.promise;
    const body = request.slice(request.indexOf("\r\n\r\n"));

    assert.match(await readUntil(client, "\r\n\r\n"), /^HTTP\/1\.1 204 /);
    assert.equal(body.match(/x/g)?.length, PIECES);
    assert.ok(largestChunk(body) < MOST_CHUNKS, `${largestChunk(body)} chunks in a turn`);
  });
}

test("T-09 requests that are refused at once are read a few in a turn, and each is answered", async (t) => {
  const turns: number[] = [];
  const resolver = {
    resolve() {
      turns.push(currentTurn());
      return undefined;
    },
  };
  const proxy = await startProxy(t, {}, { resolver });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  let answers = 0;
  const requests = 6_000;
  const answered = new Promise<void>((resolve) => {
    client.on("data", (data) => {
      answers += data.toString("latin1").match(/HTTP\/1\.1 /g)?.length ?? 0;
      if (answers >= requests) resolve();
    });
  });

  client.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`.repeat(requests));
  await answered;

  const most = Math.max(...Object.values(Object.groupBy(turns, (turn) => turn)).map((inTurn) => inTurn?.length ?? 0));
  assert.ok(most < MOST_REQUESTS, `${most} requests in a turn`);
});

/** Bytes of two reads: the first one of a connection tells its protocol, whose session reads on. */
const TWO_READS = 2 * 65_536;
const STREAMS = [1, 3, 5];
/** In the window of one stream. */
const FRAMES = 60_000;

/** DATA frames of one byte each. */
function framesOf(stream: number): Buffer {
  return Buffer.concat(new Array(FRAMES).fill(frame(TYPE.DATA, FLAG.NONE, stream, "x")));
}

/**
 * Watches the proxy's connections of one kind, of which there is one.
 *
 * @returns the bytes that were read of it, and the most in one turn of the event loop
 */
function watchReading(t: TestContext, kind: "server" | "client", isIt: (socket: Socket) => boolean) {
  const seen = { bytes: 0, most: 0 };
  const sockets = new Set<Socket>();
  const onSocket = (message: unknown) => {
    if (typeof message === "object" && message !== null && "socket" in message) sockets.add(message.socket as Socket);
  };
  const sample = () => {
    const bytes = [...sockets].filter(isIt).reduce((sum, socket) => sum + socket.bytesRead, 0);
    seen.most = Math.max(seen.most, bytes - seen.bytes);
    seen.bytes = bytes;
    next = setImmediate(sample);
  };
  let next = setImmediate(sample);
  const connections = channel(`net.${kind}.socket`);
  connections.subscribe(onSocket);
  t.after(() => {
    connections.unsubscribe(onSocket);
    clearImmediate(next);
  });
  return seen;
}

test("T-09 an HTTP/2 connection that brings DATA frames of one byte is not read on in the same turn", async (t) => {
  const upstream = await startFrameUpstream(t, () => {});
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const seen = watchReading(t, "server", ({ localPort }) => localPort === proxy.port);
  const client = await openFrames(t, proxy.port);

  for (const stream of STREAMS) client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, requestFields()), framesOf(stream));

  await until(() => seen.bytes > STREAMS.length * FRAMES * 10);
  assert.ok(seen.most <= TWO_READS, `${seen.most} bytes in a turn`);
});

test("T-09 an HTTP/2 destination that answers in DATA frames of one byte is not read on in the same turn", async (t) => {
  const upstream = await startFrameUpstream(t, (frames) => {
    frames.onFrame(({ type, stream }) => {
      if (type !== TYPE.HEADERS || stream !== STREAMS.at(-1)) return;
      for (const each of STREAMS) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, each, hpack([[":status", "200"]])), framesOf(each));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const seen = watchReading(t, "client", ({ remotePort }) => remotePort === upstream.port);
  const client = await openFrames(t, proxy.port);

  for (const stream of STREAMS) client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, requestFields()));

  await until(() => seen.bytes > STREAMS.length * FRAMES * 10);
  assert.ok(seen.most <= TWO_READS, `${seen.most} bytes in a turn`);
});
