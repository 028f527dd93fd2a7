import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { FLAG, FrameSocket, frame, hpack, PREFACE, settings, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { GREETINGS } from "../../src/testing/greetings.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, type Upstream } from "../../src/testing/upstream.ts";

/**
 * What no HTTP/2 connection begins with. Those of less than nine bytes are no whole head of a
 * frame.
 */
const NOT_HTTP2 = {
  ...GREETINGS,
  "an HTTP/1.1 answer": "HTTP/1.1 400 Bad Request\r\n",
  "a short SSH greeting": "SSH-2.0\n",
  "the head of HEADERS": "\0\0\x06\x01\x04\0\0\0\x01",
};
/** How many bytes of a frame's head are too few to be judged by nghttp2. */
const TOO_FEW = 8;
/** Milliseconds that nothing below waits for: an answer comes before it, or too late. */
const NEVER = 3_600_000;

/** Writes it piece by piece, each of which is sent before the next. */
async function writePieces(socket: Socket, pieces: Iterable<string>): Promise<void> {
  socket.setNoDelay(true);
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise((resolve) => socket.write(piece, "latin1", resolve));
  }
}

async function assertInvalid(t: TestContext, { port }: Upstream, connectTimeout = NEVER): Promise<void> {
  const proxy = await startProxy(t, { [SERVICE]: [port] }, { upstream: { connectTimeout } });
  const answer = await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "x");
  assert.deepEqual([answer.status, answer.headers["fenceline-error"]], [502, "UPSTREAM_INVALID"]);
  assert.match(answer.body, /does not speak HTTP\/2/);
  assert.equal(proxy.log[0]?.endpoint, `http://127.0.0.1:${port}`);
}

for (const [what, greeting] of Object.entries(NOT_HTTP2)) {
  test(`T-37 by HTTP/2 ${what} as an answer is a 502 before any time is up`, async (t) => {
    await assertInvalid(t, await startRawUpstream(t, (socket) => socket.once("data", () => socket.write(greeting, "latin1"))));
  });

  test(`T-37 by HTTP/2 ${what} before anything was asked is a 502, byte by byte and in two pieces too`, async (t) => {
    const half = Math.ceil(Math.min(greeting.length, TOO_FEW) / 2);
    for (const pieces of [[greeting], greeting, [greeting.slice(0, half), greeting.slice(half)]]) {
      await assertInvalid(t, await startRawUpstream(t, (socket) => void writePieces(socket.resume(), pieces)));
    }
  });
}

test("T-37 a greeting whose first byte looks like HTTP/2, and which stops there, is a 502 when the time to connect is up", async (t) => {
  await assertInvalid(t, await startRawUpstream(t, (socket) => socket.resume().write("\0")), 200);
});

test("T-37 SETTINGS that come in small pieces, slowly, are waited for, and their destination is asked once more at most", async (t) => {
  const asked: FrameSocket[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    const frames = new FrameSocket(socket.setNoDelay(true), PREFACE.length);
    frames.onFrame(({ type, flags, stream }) => {
      if (type === TYPE.SETTINGS && flags === FLAG.NONE) asked.push(frames);
      if (type === TYPE.HEADERS) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]])));
    });
    socket.write("\0");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { upstream: { connectTimeout: NEVER } });
  const call = callHttp2(openSession(t, proxy.port));

  await until(() => asked.length === 2);
  const [first, second] = asked;
  assert.ok(first !== undefined && second !== undefined);
  const rest = frame(TYPE.SETTINGS, FLAG.NONE, 0, settings({ 3: 100 })).subarray(1);
  // The second has all of it first, which is nothing against the destination.
  second.socket.write(rest);
  await second.end();
  await writePieces(first.socket, rest.toString("latin1"));

  assert.equal((await call).status, 200);
  assert.equal(upstream.connections(), 2);
});

test("T-37 a destination that says its SETTINGS at once is connected to once", async (t) => {
  const upstream = await startFrameUpstream(t, (frames) => {
    frames.onFrame(({ type, stream }) => {
      if (type === TYPE.HEADERS) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]])));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port))).status, 200);
  assert.equal(upstream.connections(), 1);
});
