import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const { NGHTTP2_REFUSED_STREAM } = constants;
const ok = (stream: number) => frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]]));

test("E1-17 a stream that the destination refuses is sent once more, with its body", async (t) => {
  let streams = 0;
  const upstream = await startHttp2Upstream(t, async (stream) => {
    streams += 1;
    if (streams === 1) stream.close(NGHTTP2_REFUSED_STREAM);
    else {
      stream.respond();
      stream.end(Buffer.concat(await stream.toArray()));
    }
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "body");

  assert.equal(answer.body, "body");
  assert.equal(streams, 2);
});

test("E1-17 a stream that is refused twice gets 502", async (t) => {
  let streams = 0;
  const upstream = await startHttp2Upstream(t, (stream) => {
    streams += 1;
    stream.close(NGHTTP2_REFUSED_STREAM);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port))).status, 502);
  assert.equal(streams, 2);
});

test("E1-17 a stream beyond the last one of a GOAWAY goes to a new connection", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames: FrameSocket) => {
    // This one is counted after it is handed over.
    const first = upstream.connections() === 0;
    const { stream } = await frames.expect(TYPE.HEADERS);
    if (first) frames.send(frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(0), uint32(0)])));
    else frames.send(ok(stream));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "body")).status, 200);
  assert.equal(upstream.connections(), 2);
});

test("after a GOAWAY new streams go to a new connection, and those under way finish on the old one", async (t) => {
  const goAway = Promise.withResolvers<void>();
  const secondAnswered = Promise.withResolvers<void>();
  const upstream = await startFrameUpstream(t, async (frames: FrameSocket) => {
    // This one is counted after it is handed over.
    const first = upstream.connections() === 0;
    const { stream } = await frames.expect(TYPE.HEADERS);
    if (first) {
      frames.send(frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(stream), uint32(0)])));
      goAway.resolve();
      // We say no GOAWAY of our own while a stream is under way.
      await secondAnswered.promise;
    }
    frames.send(ok(stream));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  const first = callHttp2(session);
  await goAway.promise;

  assert.equal((await callHttp2(session)).status, 200);
  secondAnswered.resolve();
  assert.equal((await first).status, 200);
  assert.equal(upstream.connections(), 2);
});

for (const { method, body, attempts } of [
  { method: "GET", body: undefined, attempts: 2 },
  { method: "POST", body: "x", attempts: 1 },
]) {
  test(`E1-17 when a kept-alive HTTP/2 connection breaks without an answer, ${method} is sent ${attempts === 2 ? "again" : "no second time"}`, async (t) => {
    let streams = 0;
    const upstream = await startHttp2Upstream(t, (stream) => {
      streams += 1;
      if (streams === 2) stream.session?.socket.destroy();
      else stream.respond({}, { endStream: true });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const session = openSession(t, proxy.port);
    await callHttp2(session);

    const answer = await callHttp2(session, { ":method": method }, body);

    assert.equal(answer.status, attempts === 2 ? 200 : 502);
    assert.equal(streams, 1 + attempts);
  });
}
