import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE, uint32 } from "../testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../testing/http2.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;
const LAST_STREAM = 2 ** 31 - 1;
const GET = FLAG.END_HEADERS | FLAG.END_STREAM;

function goaway(lastStream: number, code: number): Buffer {
  return frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(lastStream), uint32(code)]));
}

const begin = (stream: number) => frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]]));
const end = (stream: number, body: string) => frame(TYPE.DATA, FLAG.END_STREAM, stream, body);

/** Resolves with the identifiers of the streams that were opened, once there are `count`. */
async function opened(frames: FrameSocket, count: number): Promise<number[]> {
  for (;;) {
    const streams = frames.received.filter(({ type }) => type === TYPE.HEADERS).map(({ stream }) => stream);
    if (streams.length >= count) return streams;
    if (frames.closed) assert.fail(`the connection closed with ${streams.length} of ${count} streams`);
    await frames.more();
  }
}

for (const code of [NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM]) {
  test(`T-35 a destination's GOAWAY with code ${code} leaves the answers that it covers alive, and the next request goes to a new connection`, async (t) => {
    const next = Promise.withResolvers<void>();
    const upstream = await startFrameUpstream(t, async (frames) => {
      // This one is counted after it is handed over.
      const isFirst = upstream.connections() === 0;
      const [first = 0, second = 0] = await opened(frames, isFirst ? 2 : 1);
      if (!isFirst) {
        frames.send(begin(first), end(first, "new"));
        return;
      }
      // One answer has begun, the other one has not.
      frames.send(begin(first), goaway(LAST_STREAM, NGHTTP2_NO_ERROR), goaway(second, code));
      await next.promise;
      frames.send(end(first, "one"), begin(second), end(second, "two"));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const session = openSession(t, proxy.port);
    const calls = [callHttp2(session), callHttp2(session)];
    while (upstream.connections() === 0) await new Promise(setImmediate);

    // Until it has seen the GOAWAY it may take the old connection, where the request is refused and
    // sent anew.
    const third = await callHttp2(session);
    next.resolve();

    assert.deepEqual(
      (await Promise.all(calls)).map(({ status, body }) => `${status} ${body}`),
      ["200 one", "200 two"],
    );
    assert.equal(third.body, "new");
    assert.equal(upstream.connections(), 2);
  });
}

test("T-35 of two streams the one beyond the last of a GOAWAY with an error code is sent anew, the other one goes on", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const isFirst = upstream.connections() === 0;
    const [first = 0] = await opened(frames, isFirst ? 2 : 1);
    if (isFirst)
      frames.send(goaway(LAST_STREAM, NGHTTP2_NO_ERROR), goaway(first, NGHTTP2_ENHANCE_YOUR_CALM), begin(first), end(first, "old"));
    else frames.send(begin(first), end(first, "new"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);

  const answers = await Promise.all([callHttp2(session, { ":method": "POST" }, "a"), callHttp2(session, { ":method": "POST" }, "b")]);

  assert.deepEqual(answers.map(({ body }) => body).sort(), ["new", "old"]);
});

test("T-35 a connection that ends behind a GOAWAY with an error code breaks its answers off", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const [stream = 0] = await opened(frames, 1);
    frames.send(begin(stream), goaway(stream, NGHTTP2_INTERNAL_ERROR));
    frames.socket.end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await assert.rejects(callHttp2(openSession(t, proxy.port)), /reset/);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

for (const code of [NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM]) {
  test(`T-35 a client's GOAWAY with code ${code} leaves its answers alive, then the connection closes`, async (t) => {
    const going = Promise.withResolvers<void>();
    const upstream = await startHttp2Upstream(t, async (stream) => {
      stream.respond();
      stream.write("one ");
      await going.promise;
      stream.end("two");
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openFrames(t, proxy.port);
    client.send(frame(TYPE.HEADERS, GET, 1, requestFields()));
    await client.expect(TYPE.DATA, 1);

    client.send(goaway(0, code), frame(TYPE.PING, FLAG.NONE, 0, "12345678"));
    await client.expect(TYPE.PING);
    going.resolve();

    const frames = (await client.end()).filter(({ stream }) => stream === 1);
    assert.equal(
      frames
        .filter(({ type }) => type === TYPE.DATA)
        .map(({ payload }) => payload)
        .join(""),
      "one two",
    );
    assert.equal(
      frames.some(({ type }) => type === TYPE.RST_STREAM),
      false,
    );
  });
}
