import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, readHttp2 } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

/** A destination that never acknowledges SETTINGS, so that it never heard of our limit. */
const answering = (frames: (stream: number) => readonly Buffer[]) => async (socket: FrameSocket) => {
  const { stream } = await socket.expect(TYPE.HEADERS);
  socket.send(...frames(stream));
};

/** A field of 3,929 bytes that enters the compression table (RFC 7541 §6.2.1). */
const NEW_ENTRY = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from("x"), Buffer.from([0x7f, 0xb9, 0x1d]), Buffer.alloc(3_896, "v")]);
/** The same once more, in one byte (§6.1). */
const SAME_AGAIN = 0xbe;

/**
 * HEADERS with so many KiB of fields. One frame: nghttp2 ends a connection with 8 CONTINUATIONs.
 */
function large(stream: number, kibibytes: number, first: Buffer, flags: number = FLAG.NONE): Buffer {
  const fields = Buffer.concat([first, NEW_ENTRY, Buffer.alloc(Math.ceil((kibibytes * 1024) / 3_929) - 1, SAME_AGAIN)]);
  return frame(TYPE.HEADERS, FLAG.END_HEADERS | flags, stream, fields);
}

const OK = hpack([[":status", "200"]]);
const end = (stream: number) => frame(TYPE.DATA, FLAG.END_STREAM, stream, "ok");

for (const kibibytes of [70, 100, 200]) {
  test(`T-41 an answer with ${kibibytes} KiB of fields is a 502 that says so, as over HTTP/1.1, and not a reset without a word`, async (t) => {
    const upstream = await startFrameUpstream(
      t,
      answering((stream) => [large(stream, kibibytes, OK), end(stream)]),
    );
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const { status, headers } = await callHttp2(openSession(t, proxy.port));

    assert.deepEqual([status, headers["fenceline-error"]], [502, "UPSTREAM_INVALID"]);
    assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="UPSTREAM_INVALID"}'), 1);
    const line = proxy.log.find(({ code }) => code === "UPSTREAM_INVALID");
    assert.match(String(line?.detail), /header is too large/);
    assert.equal(line?.endpoint, `http://127.0.0.1:${upstream.port}`);
  });
}

test("T-41 an answer with more than 1,000 fields is a 502 over HTTP/2, too", async (t) => {
  const many = hpack([[":status", "200"], ...Array.from({ length: 1_001 }, (_, i) => [`x${i}`, "v"] as const)]);
  const upstream = await startFrameUpstream(
    t,
    answering((stream) => [frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, many), end(stream)]),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { status, headers } = await callHttp2(openSession(t, proxy.port));

  assert.deepEqual([status, headers["fenceline-error"]], [502, "UPSTREAM_INVALID"]);
});

test("T-41 an answer with 200 KiB of trailers is broken off and told of in the log", async (t) => {
  const upstream = await startFrameUpstream(
    t,
    answering((stream) => [
      frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, OK),
      frame(TYPE.DATA, FLAG.NONE, stream, "ok"),
      large(stream, 200, hpack([["x-first", "1"]]), FLAG.END_STREAM),
    ]),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await assert.rejects(callHttp2(openSession(t, proxy.port)));

  await proxy.until("fenceline_proxy_upstream_broken_answers_total", 1);
  assert.equal(proxy.log.find(({ msg }) => msg === "answer broke off")?.endpoint, `http://127.0.0.1:${upstream.port}`);
});

test("T-42 an interim answer with 100 KiB of fields is dropped, and the answer behind it is delivered", async (t) => {
  const early = hpack([[":status", "103"]]);
  const upstream = await startFrameUpstream(
    t,
    answering((stream) => [large(stream, 100, early), frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, OK), end(stream)]),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  // A client that takes any header.
  const session = connect(`http://127.0.0.1:${proxy.port}`, { settings: { maxHeaderListSize: 2 ** 20 } });
  t.after(() => session.destroy());
  const stream = session.request(head());
  let interim = 0;
  stream.on("headers", () => {
    interim += 1;
  });

  const { status, body } = await readHttp2(stream);

  assert.deepEqual([status, body, interim], [200, "ok", 0]);
});
