import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { FLAG, frame, openFrames, requestFields, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, closed, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const CHUNK = Buffer.alloc(64 * 1024, "x");
/** More than all windows and buffers on the way hold together. */
const MUCH = 16 * 1024 * 1024;

/**
 * Writes until the stream takes no more for a while, or `limit` is reached. Resolves with the bytes
 * written.
 */
async function writeUntilFull(stream: { write(chunk: Buffer): boolean; writableLength: number }, limit: number): Promise<number> {
  let written = 0;
  let last = performance.now();
  while (written < limit && performance.now() - last < 300) {
    if (stream.writableLength < CHUNK.length) {
      stream.write(CHUNK);
      written += CHUNK.length;
      last = performance.now();
    }
    await new Promise(setImmediate);
  }
  return written;
}

test("E1-15 a client that reads nothing stops the destination, and other streams of both connections go on", async (t) => {
  const slow = Promise.withResolvers<ServerHttp2Stream>();
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    stream.respond();
    if (headers[":path"] === "/slow") slow.resolve(stream);
    else stream.end("fast");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  const reading = session.request(head({ ":path": "/slow" }));
  await once(reading, "response");

  const written = await writeUntilFull(await slow.promise, MUCH);

  assert.ok(written < 4 * 1024 * 1024, `${written} bytes on the way`);
  assert.equal((await callHttp2(session, { ":path": "/fast" })).body, "fast");
  assert.equal(upstream.sessions.length, 1);
  // What was held up is all there once the client reads.
  (await slow.promise).end();
  assert.equal((await readHttp2(reading)).body.length, written);
});

test("E1-15 a destination that reads nothing stops the client, and other streams of both connections go on", async (t) => {
  const slow = Promise.withResolvers<ServerHttp2Stream>();
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    if (headers[":path"] === "/slow") slow.resolve(stream);
    else {
      stream.respond();
      stream.end("fast");
    }
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  const writing = session.request(head({ ":method": "POST", ":path": "/slow" }));

  const written = await writeUntilFull(writing, MUCH);

  assert.ok(written < 4 * 1024 * 1024, `${written} bytes on the way`);
  assert.equal((await callHttp2(session, { ":path": "/fast" })).body, "fast");
  const stream = await slow.promise;
  let received = 0;
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  stream.on("end", () => {
    stream.respond();
    stream.end(String(received));
  });
  writing.end();
  assert.equal((await readHttp2(writing)).body, String(written));
});

test("E1-13 a client that opens no window for its answer is reset after a time (slow read)", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond();
    stream.end("never taken");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { stallTimeout: 100 } });
  // SETTINGS_INITIAL_WINDOW_SIZE.
  const client = await openFrames(t, proxy.port, { 4: 0 });

  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, requestFields()));

  await client.expect(TYPE.RST_STREAM, 1);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("E1-22 a piece of an answer is relayed when it comes, not when the answer ends", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond({ "content-type": "text/event-stream" });
    stream.write("data: 1\n\n");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head());

  const [chunk] = await once(stream, "data");

  assert.equal(chunk.toString(), "data: 1\n\n");
  stream.close();
});

test("E1-13 a client that takes no byte of its connection, not even a reset, loses it after a time, and its calls with it", {
  timeout: 20_000,
}, async (t) => {
  const streams: ServerHttp2Stream[] = [];
  const both = Promise.withResolvers<void>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    if (streams.push(stream) === 2) both.resolve();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { stallTimeout: 500 } });
  // SETTINGS_INITIAL_WINDOW_SIZE, and as much for the connection: the socket is what is full.
  const client = await openFrames(t, proxy.port, { 4: 2 ** 30 });
  client.send(frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(2 ** 30)));
  for (const stream of [1, 3]) client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, requestFields()));
  await both.promise;
  client.socket.pause();
  const [first, waiting] = streams;
  assert.ok(first && waiting);
  const ends = Promise.all([closed(first), closed(waiting)]);

  first.respond();
  const fill = () => {
    while (!first.destroyed && first.write(CHUNK));
  };
  first.on("drain", fill);
  fill();

  await ends;
  assert.equal(await proxy.metric('fenceline_proxy_http2_connections_ended_total{reason="STALLED"}'), 1);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
  await proxy.until("fenceline_proxy_connections", 0);
});
