import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG, FrameSocket, frame, hpack, PREFACE, settings, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const NO_STREAMS = frame(TYPE.SETTINGS, FLAG.NONE, 0, settings({ 3: 0 }));

test("T-38 a destination that takes no streams and closes gets its caller a 502, and is not connected to again and again", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.resume().end(NO_STREAMS));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await callHttp2(openSession(t, proxy.port));

  assert.equal(answer.headers["fenceline-error"], "UPSTREAM_RESET");
  assert.ok(upstream.connections() <= 2, `${upstream.connections()} connections`);
});

test("T-38 a call waits for a destination that takes no streams yet, on one connection", async (t) => {
  let raised = false;
  const upstream = await startRawUpstream(t, (socket) => {
    const frames = new FrameSocket(socket, PREFACE.length);
    frames.send(NO_STREAMS);
    frames.onFrame(({ type, flags, stream }) => {
      if (type === TYPE.SETTINGS && flags === FLAG.ACK && !raised) {
        raised = true;
        frames.send(frame(TYPE.SETTINGS, FLAG.NONE, 0, settings({ 3: 1 })));
      }
      if (type === TYPE.HEADERS) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]])));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port))).status, 200);
  assert.equal(upstream.connections(), 1);
});

test("T-38 a destination that does not close a connection that is over does not keep it", async (t) => {
  const cut = Promise.withResolvers<void>();
  const upstream = await startFrameUpstream(t, (frames) => {
    const { socket } = frames;
    socket.allowHalfOpen = true;
    // Once it is cut, what is written to it is answered with a reset.
    const write = () => {
      const timer = setInterval(() => socket.write("x"), 20);
      t.after(() => clearInterval(timer));
    };
    socket.on("end", write).on("error", () => cut.resolve());
    frames.onFrame(({ type, stream }) => {
      if (type === TYPE.HEADERS) frames.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]])));
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { idleTimeout: 50 } });
  await callHttp2(openSession(t, proxy.port));

  await cut.promise;
});
