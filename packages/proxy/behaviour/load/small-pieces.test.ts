/** Bodies cut into the smallest pieces: what they cost must go by their bytes. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const PIECES = 20_000;
const CHUNKS = "1\r\nx\r\n".repeat(PIECES);
/** Pieces that may be passed on at most: one for each read, which brings thousands of chunks. */
const FEW = PIECES / 50;
const HEAD = `HTTP/1.1\r\nHost: ${SERVICE}\r\n`;

/** Lines that are a chunk's size. */
function sizesIn(text: string): readonly string[] {
  return text.match(/^[1-9a-f][\da-f]*\r$/gm) ?? [];
}

test("T-10 the chunks of an answer that come in one read go on as one", async (t) => {
  const asked = Promise.withResolvers<Socket>();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      asked.resolve(socket);
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  client.write(`GET / ${HEAD}\r\n`);
  // Behind it nothing is held back for the header's sake.
  await readUntil(client, "\r\n\r\n");

  (await asked.promise).write(`${CHUNKS}0\r\n\r\n`);
  const body = await readUntil(client, "\r\n0\r\n\r\n");

  assert.equal(body.match(/x/g)?.length, PIECES);
  assert.ok(sizesIn(body).length < FEW, `${sizesIn(body).length} chunks`);
});

test("T-10 the chunks of an upload that come in one read go on as one", async (t) => {
  const received = Promise.withResolvers<string>();
  const upstream = await startRawUpstream(t, async (socket) => {
    received.resolve(await readUntil(socket, "\r\n0\r\n\r\n"));
    socket.write("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());

  client.write(`POST / ${HEAD}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}0\r\n\r\n`);
  const request = await received.promise;
  const body = request.slice(request.indexOf("\r\n\r\n"));

  assert.match(await readUntil(client, "\r\n\r\n"), /^HTTP\/1\.1 204 /);
  assert.equal(body.match(/x/g)?.length, PIECES);
  assert.ok(sizesIn(body).length < FEW, `${sizesIn(body).length} chunks`);
});

/** Streams, or connections, of so many pieces each. Kept one by one they took up to 90 MB. */
const MANY = 20;
const MOST_MEMORY = 20 * 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const FRAMES = Buffer.concat(Array.from({ length: PIECES }, () => frame(TYPE.DATA, FLAG.NONE, 0, "x")));

/** DATA frames of one byte each. */
function framesOf(stream: number): Buffer {
  const frames = Buffer.from(FRAMES);
  const length = FRAMES.length / PIECES;
  for (let at = 0; at < frames.length; at += length) frames.writeUInt32BE(stream, at + 5);
  return frames;
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Resolves once so many bytes are held, and asserts that they take hardly more memory. */
async function assertSmall(signal: AbortSignal, proxy: ProxyUnderTest, bytes: number, before: number): Promise<void> {
  while (!signal.aborted && (await proxy.metric(HELD)) < bytes) await nextTurn();
  const growth = memory() - before;
  assert.ok(growth < MOST_MEMORY, `${Math.round(growth / 1024)} KiB`);
}

test("T-10 an HTTP/2 upload of DATA frames of one byte that its destination does not take costs what its bytes do", async (t) => {
  const noWindow = { 4: 0 };
  const upstream = await startFrameUpstream(t, () => {}, noWindow);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const before = memory();

  for (let stream = 1; stream < 2 * MANY; stream += 2) {
    client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, requestFields()), framesOf(stream));
  }

  await assertSmall(t.signal, proxy, MANY * PIECES, before);
  assert.ok(!client.received.some(({ type }) => type === TYPE.GOAWAY || type === TYPE.RST_STREAM));
});

test("T-10 an HTTP/2 answer of DATA frames of one byte that its client does not take costs what its bytes do", async (t) => {
  const upstream = await startFrameUpstream(t, (frames) => {
    frames.onFrame(({ type, stream }) => {
      if (type === TYPE.HEADERS) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])), framesOf(stream));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port, { 4: 0 });
  const before = memory();

  for (let stream = 1; stream < 2 * MANY; stream += 2) {
    client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, requestFields()));
  }

  await assertSmall(t.signal, proxy, MANY * PIECES, before);
});
