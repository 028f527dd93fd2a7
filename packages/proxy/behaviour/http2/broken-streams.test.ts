import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, StreamReset, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

test("E1-18 a client that resets its stream resets the destination's, and is counted", async (t) => {
  let reset = (_code: number) => {};
  const code = new Promise<number>((resolve) => {
    reset = resolve;
  });
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond();
    stream.on("close", () => reset(stream.rstCode));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head());
  await once(stream, "response");

  stream.close(NGHTTP2_CANCEL);

  assert.equal(await code, NGHTTP2_CANCEL);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
});

test("E1-18 a client that leaves before its answer is counted as gone", async (t) => {
  const closed = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    arrived.resolve();
    stream.on("close", () => closed.resolve());
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  session.request(head()).on("error", () => {});
  await arrived.promise;

  session.destroy();
  await closed.promise;

  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}'), 1);
});

for (const { code, told } of [
  { code: NGHTTP2_INTERNAL_ERROR, told: NGHTTP2_INTERNAL_ERROR },
  { code: NGHTTP2_ENHANCE_YOUR_CALM, told: NGHTTP2_ENHANCE_YOUR_CALM },
  { code: NGHTTP2_CANCEL, told: NGHTTP2_CANCEL },
  { code: NGHTTP2_NO_ERROR, told: NGHTTP2_INTERNAL_ERROR },
]) {
  test(`E1-16 an answer that is reset with code ${code} is reset with ${told === code ? "the same code" : `code ${told}`}`, async (t) => {
    const upstream = await startFrameUpstream(t, async (frames) => {
      const { stream } = await frames.expect(TYPE.HEADERS);
      const status = frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]]));
      frames.send(status, frame(TYPE.DATA, FLAG.NONE, stream, "part"), frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(code)));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    await assert.rejects(callHttp2(openSession(t, proxy.port)), new StreamReset(told));
    assert.equal(await proxy.metric("fenceline_proxy_upstream_broken_answers_total"), 1);
  });
}

test("E1-16 an answer whose connection breaks is reset, never ended", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond();
    stream.write("part", () => stream.session?.destroy());
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await assert.rejects(callHttp2(openSession(t, proxy.port)), StreamReset);
});

for (const { what, breakOff, cause } of [
  {
    what: "a reset",
    breakOff: (frames: FrameSocket, stream: number) =>
      frames.send(frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(NGHTTP2_ENHANCE_YOUR_CALM))),
    cause: /code 11$/,
  },
  { what: "the end of the connection", breakOff: (frames: FrameSocket) => frames.socket.destroy(), cause: /closed/ },
]) {
  test(`T-41 ${what} after the first byte of an answer has one line that names destination and reason`, async (t) => {
    const relayed = Promise.withResolvers<void>();
    const upstream = await startFrameUpstream(t, async (frames) => {
      const { stream } = await frames.expect(TYPE.HEADERS);
      const status = frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]]));
      frames.send(status, frame(TYPE.DATA, FLAG.NONE, stream, "half"));
      await relayed.promise;
      breakOff(frames, stream);
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const stream = openSession(t, proxy.port).request(head());
    stream.once("data", () => relayed.resolve());

    await assert.rejects(readHttp2(stream), StreamReset);

    assert.equal(proxy.log.length, 1);
    const { level, code: logged, authority, source, endpoint } = proxy.log[0] ?? {};
    assert.deepEqual([level, logged, authority, source], [40, "UPSTREAM_BROKE_OFF", SERVICE, SOURCE]);
    assert.equal(endpoint, `http://127.0.0.1:${upstream.port}`);
    assert.match(String(proxy.log[0]?.cause), cause);
    assert.equal(await proxy.metric("fenceline_proxy_upstream_broken_answers_total"), 1);
  });
}

test("E1-16 a stream that is reset before its answer gets 502", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.close(NGHTTP2_INTERNAL_ERROR));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await callHttp2(openSession(t, proxy.port));

  assert.equal(answer.status, 502);
  assert.equal(answer.headers["fenceline-error"], "UPSTREAM_RESET");
});

test("E1-18 an upload that is reset never looks complete to the destination", async (t) => {
  const ended = Promise.withResolvers<string>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.on("data", () => client.close(NGHTTP2_NO_ERROR));
    stream.on("close", () => ended.resolve(`${stream.aborted} ${stream.rstCode}`));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = openSession(t, proxy.port).request(head({ ":method": "POST" }));
  client.on("error", () => {});
  client.write("part of it");

  assert.equal(await ended.promise, `true ${NGHTTP2_CANCEL}`);
});

test("E1-16 an answer before the end of the upload is relayed, and the rest of the upload is not wanted", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond({ ":status": 413 });
    stream.end("too much");
    stream.on("finish", () => stream.close(NGHTTP2_NO_ERROR));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head({ ":method": "POST" }));
  stream.write("some");

  const answer = await readHttp2(stream);

  assert.equal(answer.status, 413);
  assert.equal(answer.body, "too much");
});
