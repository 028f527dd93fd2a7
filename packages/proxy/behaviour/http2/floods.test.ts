import assert from "node:assert/strict";
import { constants } from "node:http2";
import { type TestContext, test } from "node:test";
import { openSocket, readToEnd } from "../../src/testing/client.ts";
import { FLAG, FrameSocket, frame, hpack, openFrames, PREFACE, requestFields, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_REFUSED_STREAM } = constants;
const GET = FLAG.END_HEADERS | FLAG.END_STREAM;

/** A proxy whose destination never answers, and a client of raw frames. */
async function startFlood(t: TestContext, options: Parameters<typeof startProxy>[2] = {}) {
  const upstream = await startHttp2Upstream(t, (stream) => stream.resume());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, options);
  return { proxy, client: await openFrames(t, proxy.port) };
}

/** The error code of the last GOAWAY before the connection closed. */
async function goawayCode(client: FrameSocket): Promise<number | undefined> {
  const frames = await client.end();
  return frames.findLast(({ type }) => type === TYPE.GOAWAY)?.payload.readUInt32BE(4);
}

/** The code of the first reset of this stream. */
async function resetCode(client: FrameSocket, stream: number): Promise<number> {
  return (await client.expect(TYPE.RST_STREAM, stream)).payload.readUInt32BE(0);
}

test("E1-13 rapid reset: a client that resets its streams as fast as it opens them gets GOAWAY (CVE-2023-44487)", async (t) => {
  const { proxy, client } = await startFlood(t, { http2: { resetBurst: 50, resetRate: 1 } });

  for (let stream = 1; stream < 400; stream += 2) {
    client.send(frame(TYPE.HEADERS, GET, stream, requestFields()), frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(NGHTTP2_CANCEL)));
  }

  assert.equal(await goawayCode(client), NGHTTP2_ENHANCE_YOUR_CALM);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("E1-13 the same by making the proxy reset them: a rule broken on each stream (CVE-2025-8671)", async (t) => {
  const { client } = await startFlood(t, { http2: { resetBurst: 50, resetRate: 1 } });

  for (let stream = 1; stream < 400; stream += 2) {
    client.send(frame(TYPE.HEADERS, GET, stream, requestFields()), frame(TYPE.WINDOW_UPDATE, FLAG.NONE, stream, uint32(0)));
  }

  assert.ok((await goawayCode(client)) !== 0);
});

test("E1-13 rapid reset in one packet with the preface gets GOAWAY, too", async (t) => {
  const { proxy } = await startFlood(t, { http2: { resetBurst: 50, resetRate: 1 } });
  const socket = await openSocket(proxy.port);
  const client = new FrameSocket(socket, 0);
  const streams = Array.from({ length: 200 }, (_, i) => 2 * i + 1);

  client.send(
    PREFACE,
    frame(TYPE.SETTINGS, FLAG.NONE, 0),
    ...streams.flatMap((stream) => [
      frame(TYPE.HEADERS, GET, stream, requestFields()),
      frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(NGHTTP2_CANCEL)),
    ]),
  );

  assert.equal(await goawayCode(client), NGHTTP2_ENHANCE_YOUR_CALM);
});

test("callers that lose their patience now and then are no flood", async (t) => {
  const { client } = await startFlood(t, { http2: { resetBurst: 50, resetRate: 1 } });

  for (let stream = 1; stream < 60; stream += 2) {
    client.send(frame(TYPE.HEADERS, GET, stream, requestFields()), frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(NGHTTP2_CANCEL)));
  }
  client.send(frame(TYPE.PING, FLAG.NONE, 0, "12345678"));

  await client.expect(TYPE.PING);
  assert.equal(client.closed, false);
});

test("E1-13 a stream beyond the most that may be open is refused, so that it may be sent anew", async (t) => {
  const { client } = await startFlood(t, { http2: { maxConcurrentStreams: 2 } });

  for (const stream of [1, 3, 5]) client.send(frame(TYPE.HEADERS, GET, stream, requestFields()));

  assert.equal(await resetCode(client, 5), NGHTTP2_REFUSED_STREAM);
});

test("E1-13 the same from a client that has acknowledged the limit ends its connection", async (t) => {
  const { client } = await startFlood(t, { http2: { maxConcurrentStreams: 2 } });
  await client.expect(TYPE.SETTINGS);
  client.send(frame(TYPE.SETTINGS, FLAG.ACK, 0));

  for (const stream of [1, 3, 5]) client.send(frame(TYPE.HEADERS, GET, stream, requestFields()));

  assert.ok((await goawayCode(client)) !== 0);
});

for (const { name, flood } of [
  { name: "PING", flood: frame(TYPE.PING, FLAG.NONE, 0, "12345678") },
  { name: "SETTINGS", flood: frame(TYPE.SETTINGS, FLAG.NONE, 0) },
]) {
  test(`E1-13 a flood of ${name} gets GOAWAY`, async (t) => {
    const { client } = await startFlood(t);

    client.send(...Array.from({ length: 2_000 }, () => flood));

    assert.equal(await goawayCode(client), NGHTTP2_ENHANCE_YOUR_CALM);
  });
}

test("E1-13 a flood of CONTINUATION ends the connection (CVE-2024-28182)", async (t) => {
  const { client } = await startFlood(t);
  client.send(frame(TYPE.HEADERS, FLAG.END_STREAM, 1, requestFields()));

  client.send(...Array.from({ length: 1_000 }, (_, i) => frame(TYPE.CONTINUATION, FLAG.NONE, 1, hpack([[`x-${i}`, "v"]]))));

  assert.ok((await goawayCode(client)) !== 0);
});

for (const acknowledged of [true, false]) {
  test(`E1-13 a header that is large only when it is unpacked is refused (HPACK bomb), ${acknowledged ? "" : "also "}from a client that ${acknowledged ? "knows" : "never acknowledged"} the limit`, async (t) => {
    const { proxy, client } = await startFlood(t);
    await client.expect(TYPE.SETTINGS);
    if (acknowledged) client.send(frame(TYPE.SETTINGS, FLAG.ACK, 0));
    // One field of 4,000 bytes into the table (RFC 7541 §6.2.1), then 60 times a reference to it:
    // one byte each.
    const name = Buffer.from("bomb");
    const entry = Buffer.concat([Buffer.from([0x40, name.length]), name, Buffer.from([127, 0xa1, 0x1e]), Buffer.alloc(4_000, "x")]);

    client.send(frame(TYPE.HEADERS, GET, 1, Buffer.concat([requestFields(), entry, Buffer.alloc(60, 0xbe)])));

    if (acknowledged) assert.equal(await resetCode(client, 1), NGHTTP2_ENHANCE_YOUR_CALM);
    else assert.match((await client.expect(TYPE.DATA, 1)).payload.toString(), /HEADER_TOO_LARGE/);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
    assert.equal(proxy.reported.edges.length, 0);
  });
}

test("E1-14 over HTTP/2 more than 1000 fields get 431", async (t) => {
  const { proxy } = await startFlood(t);
  const many = Object.fromEntries(Array.from({ length: 1_010 }, (_, i) => [`x-${i}`, "v"]));

  const answer = await callHttp2(openSession(t, proxy.port), many);

  assert.equal(answer.status, 431);
  assert.equal(answer.headers["fenceline-error"], "HEADER_TOO_LARGE");
});

for (const { name, bad } of [
  { name: "DATA on stream 0", bad: frame(TYPE.DATA, FLAG.NONE, 0, "x") },
  { name: "a frame over the size agreed", bad: frame(TYPE.DATA, FLAG.NONE, 1, Buffer.alloc(20_000)) },
  { name: "HEADERS with an even identifier", bad: frame(TYPE.HEADERS, GET, 2, requestFields()) },
  { name: "CONTINUATION without HEADERS", bad: frame(TYPE.CONTINUATION, FLAG.END_HEADERS, 1, requestFields()) },
  { name: "a field that does not unpack", bad: frame(TYPE.HEADERS, GET, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])) },
  { name: "SETTINGS of five bytes", bad: frame(TYPE.SETTINGS, FLAG.NONE, 0, "12345") },
  { name: "a window that overflows", bad: frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(0x7fffffff)) },
]) {
  test(`E1-13 ${name} ends the connection with GOAWAY`, async (t) => {
    const { client } = await startFlood(t);

    client.send(bad);

    assert.ok((await goawayCode(client)) !== 0);
  });
}

for (const { name, fields } of [
  { name: "a field specific to a connection", fields: requestFields([["connection", "close"]]) },
  { name: "transfer-encoding", fields: requestFields([["transfer-encoding", "chunked"]]) },
  { name: "a name in capitals", fields: requestFields([["X-Upper", "1"]]) },
  { name: "te other than trailers", fields: requestFields([["te", "gzip"]]) },
  { name: "a pseudo-header field behind a field", fields: Buffer.concat([requestFields(), hpack([[":path", "/other"]])]) },
  {
    name: "two different lengths",
    fields: requestFields([
      ["content-length", "1"],
      ["content-length", "2"],
    ]),
  },
  { name: "a length and no body", fields: requestFields([["content-length", "5"]]) },
]) {
  test(`E1-03 over HTTP/2 ${name} resets the stream, and nothing is forwarded`, async (t) => {
    const { proxy, client } = await startFlood(t);

    client.send(frame(TYPE.HEADERS, GET, 1, fields));

    assert.ok((await resetCode(client, 1)) > 0);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
    assert.equal(proxy.reported.edges.length, 0);
  });
}

test("E1-03 over HTTP/2 a field with a line feed in its value does not go on", async (t) => {
  const arrived = Promise.withResolvers<string[]>();
  const upstream = await startHttp2Upstream(t, (_stream, _headers, _flags, rawHeaders) => arrived.resolve(rawHeaders));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);

  client.send(
    frame(
      TYPE.HEADERS,
      GET,
      1,
      requestFields([
        ["x-a", "1\r\nx-b: 2"],
        ["x-c", "3"],
      ]),
    ),
  );

  const received = await arrived.promise;
  assert.ok(received.includes("x-c") && !received.includes("x-a") && !received.includes("x-b"), received.join());
});

test("E1-15 a client that sends the preface and no SETTINGS is cut", async (t) => {
  const proxy = await startProxy(t, {}, { listener: { headersTimeout: 100 } });
  const socket = await openSocket(proxy.port);
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

  await readToEnd(socket);
});
