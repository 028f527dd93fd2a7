import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

/** `NGHTTP2_DEFAULT_MAX_CONTINUATIONS`, against CVE-2024-28182. Node has no option for it. */
const MOST = 8;
const MAX_FRAME = 16_384;
/** Fields of 60 KiB, as much as an Envoy lets through. */
const LARGE = hpack(Array.from({ length: 60 }, (_, i) => [`x-${i}`, "v".repeat(1_000)] as const));

/** A header in one HEADERS frame, and the rest of it in frames of so many bytes. */
function header(stream: number, first: Buffer, pieces: readonly Buffer[]): Buffer {
  const rest = pieces.map((piece, at) => frame(TYPE.CONTINUATION, at === pieces.length - 1 ? FLAG.END_HEADERS : FLAG.NONE, stream, piece));
  return Buffer.concat([frame(TYPE.HEADERS, FLAG.END_STREAM, stream, first), ...rest]);
}

const inFullFrames = (fields: Buffer) =>
  Array.from({ length: Math.ceil(fields.length / MAX_FRAME) }, (_, i) => fields.subarray(i * MAX_FRAME, (i + 1) * MAX_FRAME));
const oneFieldEach = (frames: number) => Array.from({ length: frames }, (_, i) => hpack([[`x-${i}`, "v"]]));

function startAnswering(t: TestContext, pieces: readonly Buffer[]) {
  return startFrameUpstream(t, (frames) => {
    frames.onFrame(({ type, stream }) => {
      if (type === TYPE.HEADERS) frames.send(header(stream, hpack([[":status", "200"]]), pieces));
    });
  });
}

test(`an answer's header in ${MOST} CONTINUATION frames is relayed, and one of 60 KiB in full frames needs fewer`, async (t) => {
  for (const pieces of [oneFieldEach(MOST), inFullFrames(LARGE)]) {
    const { port } = await startAnswering(t, pieces);
    const proxy = await startProxy(t, { [SERVICE]: [port] });
    const { status, headers } = await callHttp2(openSession(t, proxy.port));
    assert.equal(status, 200);
    assert.ok(Object.keys(headers).filter((name) => name.startsWith("x-")).length >= MOST);
  }
});

test(`an answer's header in more than ${MOST} is a 502`, async (t) => {
  const { port } = await startAnswering(t, oneFieldEach(MOST + 1));
  const proxy = await startProxy(t, { [SERVICE]: [port] });
  const { status, headers } = await callHttp2(openSession(t, proxy.port));
  assert.deepEqual([status, headers["fenceline-error"]], [502, "UPSTREAM_RESET"]);
});

test(`a request's header in ${MOST} CONTINUATION frames is forwarded, and in more ends the connection with GOAWAY`, async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  for (const pieces of [oneFieldEach(MOST), inFullFrames(LARGE)]) {
    const frames = await openFrames(t, proxy.port);
    frames.send(header(1, requestFields(), pieces));
    await frames.expect(TYPE.HEADERS, 1);
  }
  const frames = await openFrames(t, proxy.port);
  frames.send(header(1, requestFields(), oneFieldEach(MOST + 1)));
  await frames.expect(TYPE.GOAWAY);
});
