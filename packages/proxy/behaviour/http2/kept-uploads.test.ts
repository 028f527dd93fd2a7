import assert from "node:assert/strict";
import { constants, type ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { MAX_KEPT_IN_ALL } from "../../src/http2/upload.ts";
import { FLAG, FrameSocket, frame, hpack, PREFACE, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const { NGHTTP2_REFUSED_STREAM } = constants;
const KEPT = 'fenceline_proxy_held_bytes{what="kept_for_repeat"}';
const BODY = Buffer.alloc(60_000, "x");
const UPLOADS = 400;

test("T-10 what uploads keep for a repeat is bounded in all, none fails for it, and all is given back", async (t) => {
  const read: ServerHttp2Stream[] = [];
  const all = Promise.withResolvers<void>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.resume().on("end", () => {
      read.push(stream);
      if (read.length === UPLOADS) all.resolve();
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxTurn: 0 } });
  const session = openSession(t, proxy.port);
  const calls = Array.from({ length: UPLOADS }, () => callHttp2(session, { ":method": "POST" }, BODY));
  await all.promise;

  const kept = await proxy.metric(KEPT);
  assert.ok(kept <= MAX_KEPT_IN_ALL && kept > MAX_KEPT_IN_ALL - BODY.length, `${kept} bytes kept of ${UPLOADS * BODY.length}`);
  for (const stream of read) stream.respond({}, { endStream: true });

  assert.deepEqual([...new Set((await Promise.all(calls)).map(({ status }) => status))], [200]);
  await proxy.until(KEPT, 0);
});

for (const { name, leave } of [
  { name: "refuses the stream twice", leave: (stream: ServerHttp2Stream) => stream.close(NGHTTP2_REFUSED_STREAM) },
  { name: "breaks the connection", leave: (stream: ServerHttp2Stream) => stream.session?.destroy() },
]) {
  test(`T-10 what was kept is given back when the destination ${name}`, async (t) => {
    const upstream = await startHttp2Upstream(t, leave);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.equal((await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, BODY)).status, 502);

    await proxy.until(KEPT, 0);
  });
}

test("T-10 what was kept is given back when the client leaves", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.resume());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const upload = openSession(t, proxy.port).request(head({ ":method": "POST" }));
  upload.on("error", () => {});
  upload.write(BODY);
  await proxy.until(KEPT, BODY.length);

  upload.close();

  await proxy.until(KEPT, 0);
});

test("T-10 a body that goes on while its repeat waits for a connection arrives whole", async (t) => {
  const refused = Promise.withResolvers<void>();
  const welcome = Promise.withResolvers<void>();
  const received: Buffer[] = [];
  const upstream = await startRawUpstream(t, async (socket) => {
    const first = upstream.connections() === 0;
    const frames = new FrameSocket(socket, PREFACE.length);
    if (!first) await welcome.promise;
    frames.send(frame(TYPE.SETTINGS, FLAG.NONE, 0));
    const { stream } = await frames.expect(TYPE.HEADERS);
    if (first) {
      await frames.expect(TYPE.DATA);
      frames.send(frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(0), uint32(0)])));
      refused.resolve();
      return;
    }
    frames.send(frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(1e6)), frame(TYPE.WINDOW_UPDATE, FLAG.NONE, stream, uint32(1e6)));
    frames.onFrame(({ type, flags, payload }) => {
      if (type === TYPE.DATA) received.push(payload);
      if (type !== TYPE.DATA || (flags & FLAG.END_STREAM) === 0) return;
      frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]])));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const upload = openSession(t, proxy.port).request(head({ ":method": "POST" }));
  const answer = readHttp2(upload);
  upload.write("begin ");
  await refused.promise;
  // The repeat waits for the second connection.
  while (upstream.connections() < 2) await new Promise(setImmediate);
  const more = Buffer.alloc(150_000, "y");
  upload.end(more);
  await new Promise((resolve) => setTimeout(resolve, 100));
  welcome.resolve();

  assert.equal((await answer).status, 200);
  assert.equal(Buffer.concat(received).toString(), `begin ${more}`);
});
