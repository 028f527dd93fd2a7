import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import { FLAG, frame, openFrames, requestFields, TYPE } from "../../src/testing/frames.ts";
import { startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const NEW_ENTRY = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from("x"), Buffer.from([0x7f, 0xb9, 0x1d]), Buffer.alloc(3_896, "v")]);
/** The entry that was added last to the compression table (RFC 7541 §6.1): one byte for 3.9 KB. */
const SAME_AGAIN = 0xbe;

test("T-32 a client that never acknowledges SETTINGS and sends small headers that unpack to megabytes gets GOAWAY", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const bomb = Buffer.alloc(1_000, SAME_AGAIN);
  // What was sent: 0.5 MB. What it stands for: 1.9 GB.
  for (let stream = 1; stream < 1_000; stream += 2) {
    const fields = Buffer.concat([requestFields(), ...(stream === 1 ? [NEW_ENTRY] : []), bomb]);
    client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, fields));
  }

  const frames = await client.end();

  assert.equal(frames.findLast(({ type }) => type === TYPE.GOAWAY)?.payload.readUInt32BE(4), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.ok((await proxy.metric('fenceline_proxy_requests_total{outcome="HEADER_TOO_LARGE"}')) < 10);
  assert.equal(upstream.sessions.length, 0);
});

test("T-32 a header that is a little too large, of a client that did not know better, costs its request alone", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const tooLarge = Buffer.concat([requestFields(), NEW_ENTRY, Buffer.alloc(20, SAME_AGAIN)]);

  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, tooLarge));
  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 3, requestFields()));

  await client.expect(TYPE.HEADERS, 3);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="HEADER_TOO_LARGE"}'), 1);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), 1);
});
