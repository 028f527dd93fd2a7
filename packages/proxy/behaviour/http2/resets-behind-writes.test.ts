import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import type { ClientHttp2Stream } from "node:http2";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { head, openSession } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const CANCEL = 8;
/** SETTINGS_INITIAL_WINDOW_SIZE, and as much for the connection: the socket is what is full. */
const WINDOW = 4;
const WIDE = 2 ** 30;
const PIECE = Buffer.alloc(16 * 1024);
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const IN_FLIGHT = "fenceline_proxy_requests_in_flight";

// A stream whose reset is forgotten makes empty DATA frames until no memory is left: of this
// process, and not of the machine.
execFileSync("prlimit", ["--pid", String(process.pid), "--data=3000000000"]);

/** Sends as much as the sockets on the way to the destination take, and a piece or two more. */
async function fill(proxy: ProxyUnderTest, stream: ClientHttp2Stream): Promise<void> {
  const held = () => proxy.metric(HELD);
  const before = await held();
  const isSentOn = () =>
    until(async () => (await held()) === before, 200).then(
      () => true,
      () => false,
    );
  do {
    stream.write(PIECE);
    await new Promise(setImmediate);
  } while (await isSentOn());
}

test("T-10 an upload that ends behind its answer, while the connection to the destination is full, is reset and not sent on without an end", async (t) => {
  const upstream = Promise.withResolvers<FrameSocket>();
  const { port } = await startFrameUpstream(t, upstream.resolve, { [WINDOW]: WIDE });
  const proxy = await startProxy(t, { [SERVICE]: [port] });
  const session = openSession(t, proxy.port);
  const other = session.request(head({ ":method": "POST" })).on("error", () => {});
  const frames = await upstream.promise;
  frames.send(frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(WIDE)));
  const { stream } = await frames.expect(TYPE.HEADERS);
  const upload = session.request(head({ ":method": "POST" })).on("error", () => {});
  await frames.expect(TYPE.HEADERS, stream + 2);
  frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream + 2, hpack([[":status", "200"]])));
  await once(upload.resume(), "end");

  frames.socket.pause();
  await fill(proxy, other);
  upload.end(PIECE);
  await proxy.until(IN_FLIGHT, 1);
  frames.socket.resume();

  const { payload } = await frames.expect(TYPE.RST_STREAM, stream + 2);
  assert.equal(payload.readUInt32BE(0), CANCEL);
});

test("T-10 an upload that outlives its answer, on a connection that takes nothing at all, ends with the PING of that", async (t) => {
  const upstream = Promise.withResolvers<FrameSocket>();
  const { port } = await startFrameUpstream(t, upstream.resolve, { [WINDOW]: 0 });
  const proxy = await startProxy(t, { [SERVICE]: [port] }, { http2: { uploadTimeout: 2_000, pingAfter: 3_000, pingTimeout: 500 } });
  const session = openSession(t, proxy.port);
  const other = session.request(head({ ":method": "POST" })).on("error", () => {});
  const frames = await upstream.promise;
  const { stream } = await frames.expect(TYPE.HEADERS);
  for (const opened of [0, stream]) frames.send(frame(TYPE.WINDOW_UPDATE, FLAG.NONE, opened, uint32(WIDE)));
  const upload = session.request(head({ ":method": "POST" })).on("error", () => {});
  upload.end(PIECE);
  await frames.expect(TYPE.HEADERS, stream + 2);
  await until(async () => (await proxy.metric(HELD)) >= PIECE.length);

  frames.socket.pause();
  frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream + 2, hpack([[":status", "200"]])));
  await once(upload.resume(), "end");
  await fill(proxy, other);

  await proxy.until(IN_FLIGHT, 0);
  assert.equal(await proxy.metric(HELD), 0);
});
