import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { constants } from "node:http2";
import { type TestContext, test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const { NGHTTP2_ENHANCE_YOUR_CALM } = constants;
const PING = frame(TYPE.PING, FLAG.NONE, 0, "12345678");
/** The smallest message of gRPC. */
const EMPTY = Buffer.alloc(5);
const answerBegins = (stream: number) => frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]]));

/** A destination that sends each DATA frame back. */
function echoing(t: TestContext) {
  return startFrameUpstream(t, (frames) =>
    frames.onFrame(({ type, flags, stream, payload }) => {
      if (type === TYPE.HEADERS) frames.send(answerBegins(stream));
      if (type === TYPE.DATA) frames.send(frame(TYPE.DATA, flags, stream, payload));
    }),
  );
}

/** Frames of this type that the client has received, counted as they come. */
function countOf(client: FrameSocket, type: number): () => number {
  let count = 0;
  client.onFrame((received) => {
    if (received.type === type) count += 1;
  });
  return () => count;
}

for (const { size, pings } of [
  { size: 10, pings: 1 },
  { size: 10, pings: 2 },
  { size: 10, pings: 3 },
  { size: 1, pings: 1 },
  { size: 1, pings: 3 },
]) {
  test(`T-32 ${pings === 1 ? "a PING" : `${pings} PINGs`} for each DATA frame of ${size} bytes, however many come together, is no flood`, async (t) => {
    const MESSAGES = 3_000;
    let received = 0;
    const upstream = await startFrameUpstream(t, async (frames) => {
      const { stream } = await frames.expect(TYPE.HEADERS);
      frames.send(answerBegins(stream));
      for (let sent = 1; sent <= MESSAGES && !client.closed; sent += 1) {
        frames.send(frame(TYPE.DATA, FLAG.NONE, stream, "0123456789".slice(0, size)));
        // Those that come together may go on as one frame.
        if (sent % 4 !== 0) while (received < sent * size && !client.closed) await client.more();
      }
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openFrames(t, proxy.port);
    client.onFrame(({ type, payload }) => {
      if (type !== TYPE.DATA) return;
      received += payload.length;
      client.send(...Array.from({ length: pings }, () => PING));
    });

    client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, requestFields()));

    while (received < size * MESSAGES && !client.closed) await client.more();
    assert.equal(received, size * MESSAGES);
  });
}

test("T-32 empty messages of gRPC in lockstep, each with a PING, go on for as long as they like", async (t) => {
  const MESSAGES = 8_000;
  const upstream = await echoing(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const echoed = countOf(client, TYPE.DATA);
  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields()));

  for (let sent = 1; sent <= MESSAGES && !client.closed; sent += 1) {
    client.send(frame(TYPE.DATA, FLAG.NONE, 1, EMPTY), PING);
    while (echoed() < sent && !client.closed) await client.more();
  }

  assert.equal(echoed(), MESSAGES);
});

test("T-32 a destination that sends PINGs for each DATA frame of an upload gets all of it", async (t) => {
  const MESSAGES = 3_000;
  const uploaded = new EventEmitter();
  const upstream = await startFrameUpstream(t, (frames) =>
    frames.onFrame(({ type, flags, stream }) => {
      if (type !== TYPE.DATA) return;
      frames.send(PING, PING, PING);
      if ((flags & FLAG.END_STREAM) !== 0)
        frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]])));
      uploaded.emit("frame");
    }),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const over = client.end();

  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields()));
  for (let sent = 1; sent <= MESSAGES && !client.closed; sent += 1) {
    const arrived = once(uploaded, "frame");
    client.send(frame(TYPE.DATA, sent === MESSAGES ? FLAG.END_STREAM : FLAG.NONE, 1, EMPTY));
    await Promise.race([arrived, over]);
  }

  const { payload } = await client.expect(TYPE.HEADERS, 1);
  assert.ok(payload.includes("200") || payload[0] === 0x88, payload.toString());
});

test("T-32 a destination that sends PINGs beside a small answer ends no call", async (t) => {
  const MESSAGES = 3_000;
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const acknowledged = countOf(frames, TYPE.PING);
    frames.send(answerBegins(stream));
    for (let sent = 1; sent <= MESSAGES; sent += 1) {
      frames.send(frame(TYPE.DATA, sent === MESSAGES ? FLAG.END_STREAM : FLAG.NONE, stream, "x"), PING, PING);
      // Of acknowledgements that wait to be sent nghttp2 allows 1,000, as Envoy does.
      while (acknowledged() < 2 * sent - 200 && !frames.closed) await frames.more();
    }
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port))).body.length, MESSAGES);
});

test("T-32 a flood of PINGs whose acknowledgements are read one and all is cut", async (t) => {
  const upstream = await echoing(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const acknowledged = countOf(client, TYPE.PING);
  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields()));

  for (let sent = 50; sent <= 100_000 && !client.closed; sent += 50) {
    client.send(...Array.from({ length: 50 }, () => PING));
    while (acknowledged() < sent && !client.closed) await client.more();
  }

  const goaway = (await client.end()).findLast(({ type }) => type === TYPE.GOAWAY);
  assert.equal(goaway?.payload.readUInt32BE(4), NGHTTP2_ENHANCE_YOUR_CALM);
});
