import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE, uint32 } from "../testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../testing/http2.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";

const { NONE, END_HEADERS, END_STREAM } = FLAG;
const ALTSVC = 10;
const PROTOCOL_ERROR = 1;

const answer = (stream: number, ...fields: readonly [string, string][]) => frame(TYPE.HEADERS, END_HEADERS, stream, hpack(fields));
const data = (stream: number, body: string) => frame(TYPE.DATA, END_STREAM, stream, body);

/** What a destination sends to one request, and what becomes of that request. */
const FAULTS: Readonly<Record<string, { readonly sent: (stream: number) => Buffer[]; readonly outcome: string }>> = {
  "DATA beyond its Content-Length": {
    sent: (stream) => [answer(stream, [":status", "200"], ["content-length", "1"]), data(stream, "hi")],
    outcome: `reset ${PROTOCOL_ERROR}`,
  },
  "DATA behind a 204": { sent: (stream) => [answer(stream, [":status", "204"]), data(stream, "hi")], outcome: "204" },
  "DATA behind a 304": { sent: (stream) => [answer(stream, [":status", "304"]), data(stream, "hi")], outcome: "304" },
  "an ALTSVC frame that is to be ignored": {
    sent: (stream) => [frame(ALTSVC, NONE, 0, Buffer.from([0, 0, 120])), answer(stream, [":status", "200"]), data(stream, "")],
    outcome: "200",
  },
  "the answer to a PING that it never got": {
    sent: (stream) => [frame(TYPE.PING, FLAG.ACK, 0, "01234567"), answer(stream, [":status", "200"]), data(stream, "")],
    outcome: "200",
  },
};

/** Answers the first of two requests when told, the second one at once by `sent`. */
async function serveTwo(frames: FrameSocket, sent: (stream: number) => Buffer[], go: Promise<void>): Promise<void> {
  const [first = 0, second = 0] = await twoStreams(frames);
  frames.onFrame(({ type, flags, payload }) => {
    if (type === TYPE.PING && flags === NONE) frames.send(frame(TYPE.PING, FLAG.ACK, 0, payload));
  });
  frames.send(answer(first, [":status", "200"]), ...sent(second));
  await go;
  frames.send(data(first, "whole"));
}

async function twoStreams(frames: FrameSocket): Promise<number[]> {
  for (;;) {
    const streams = frames.received.filter(({ type }) => type === TYPE.HEADERS).map(({ stream }) => stream);
    if (streams.length === 2) return streams;
    await frames.more();
  }
}

for (const [name, { sent, outcome }] of Object.entries(FAULTS)) {
  test(`T-35 ${name} leaves the other answers of the destination's connection alive`, async (t) => {
    const go = Promise.withResolvers<void>();
    const upstream = await startFrameUpstream(t, (frames) => serveTwo(frames, sent, go.promise));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const session = openSession(t, proxy.port);

    const first = callHttp2(session);
    const second = callHttp2(session).then(
      ({ status }) => String(status),
      ({ code }) => `reset ${code}`,
    );
    assert.equal(await second, outcome);
    go.resolve();

    assert.equal((await first).body, "whole");
    assert.equal(upstream.connections(), 1);
  });
}

test("T-35 DATA of a request beyond its Content-Length resets its stream, and leaves the other requests of the connection alive", async (t) => {
  const go = Promise.withResolvers<void>();
  const upstream = await startHttp2Upstream(t, async (stream, headers) => {
    if (headers[":method"] !== "GET") return;
    stream.respond();
    await go.promise;
    stream.end("whole");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  client.onFrame(({ type, flags, payload }) => {
    if (type === TYPE.PING && flags === NONE) client.send(frame(TYPE.PING, FLAG.ACK, 0, payload));
  });
  client.send(frame(TYPE.HEADERS, END_HEADERS | END_STREAM, 1, requestFields()));
  await client.expect(TYPE.HEADERS, 1);

  client.send(frame(TYPE.HEADERS, END_HEADERS, 3, requestFields([["content-length", "1"]])), data(3, "hi"));
  assert.equal((await client.expect(TYPE.RST_STREAM, 3)).payload.readUInt32BE(0), PROTOCOL_ERROR);
  // It is asked whether it is there.
  await client.expect(TYPE.PING);
  go.resolve();

  assert.equal((await client.expect(TYPE.DATA, 1)).payload.toString(), "whole");
});

test("T-35 a client that is told of a stream's error and says nothing more is taken to have gone", async (t) => {
  const upstream = await startHttp2Upstream(t, () => {});
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);

  client.send(frame(TYPE.HEADERS, END_HEADERS, 1, requestFields([["content-length", "1"]])), data(1, "hi"));

  await client.end();
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("T-35 an error of the connection ends it with all of its streams, although no PING can be sent", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    frames.send(frame(TYPE.WINDOW_UPDATE, NONE, stream, uint32(0)));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { status } = await callHttp2(openSession(t, proxy.port));

  assert.equal(status, 502);
});
