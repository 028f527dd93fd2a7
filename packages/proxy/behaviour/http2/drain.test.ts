import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { FLAG, frame, openFrames, requestFields, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, closed, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

test("E1-24 a drain sends GOAWAY and lets streams in flight finish", async (t) => {
  const arrived = Promise.withResolvers<ServerHttp2Stream>();
  const upstream = await startHttp2Upstream(t, (stream) => arrived.resolve(stream));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  const answer = readHttp2(session.request(head()));
  const stream = await arrived.promise;
  const goaway = once(session, "goaway");

  const drained = proxy.sidecar.close();
  const [code] = await goaway;
  assert.equal(code, 0);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 1);
  stream.respond();
  stream.end("late");

  assert.equal((await answer).body, "late");
  await drained;
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
});

test("E1-24 an HTTP/2 stream that is not done at the deadline is reset", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head());
  await once(stream, "response");
  const cut = closed(stream);

  await proxy.sidecar.close({ deadline: 50 });

  await cut;
  assert.equal(stream.readableEnded && stream.rstCode === 0, false);
});

test("closing an idle proxy is done at once, also with an idle HTTP/2 client and destination", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  await callHttp2(openSession(t, proxy.port));

  const before = Date.now();
  await proxy.sidecar.close();

  assert.ok(Date.now() - before < 2_000);
});

test("E1-24 a drain ends with the last stream, also when the client does not answer a PING", async (t) => {
  const arrived = Promise.withResolvers<ServerHttp2Stream>();
  const upstream = await startHttp2Upstream(t, (stream) => arrived.resolve(stream));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, requestFields()));
  const stream = await arrived.promise;

  const before = Date.now();
  const drained = proxy.sidecar.close();
  const { payload } = await client.expect(TYPE.GOAWAY);
  stream.respond({}, { endStream: true });
  await drained;

  // A first GOAWAY for all streams, so that those on their way are taken; the last one says where
  // it ended (RFC 9113 §6.8).
  assert.equal(payload.readUInt32BE(0), 0x7fffffff);
  assert.equal(client.received.findLast(({ type }) => type === TYPE.GOAWAY)?.payload.readUInt32BE(0), 1);
  assert.ok(Date.now() - before < 5_000);
});
