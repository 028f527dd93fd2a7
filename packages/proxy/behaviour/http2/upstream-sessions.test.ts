import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { FLAG, frame, startFrameUpstream, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

test("a destination never has more streams on a connection than it allows; the others get connections of their own, then wait", async (t) => {
  const arrivals = new EventEmitter();
  const open: ServerHttp2Stream[] = [];
  const upstream = await startHttp2Upstream(
    t,
    (stream) => {
      open.push(stream);
      arrivals.emit("stream");
    },
    { settings: { maxConcurrentStreams: 2 } },
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { maxSessions: 2 }, upstream: { maxWaiting: 4 } });
  const session = openSession(t, proxy.port);
  const calls = Array.from({ length: 9 }, () => callHttp2(session));

  while (open.length < 4) await once(arrivals, "stream");
  assert.equal(upstream.sessions.length, 2);
  const answers = Promise.all(calls);
  for (let answered = 0; answered < open.length || (await proxy.metric("fenceline_proxy_requests_in_flight")) > 0; ) {
    for (; answered < open.length; answered += 1) open[answered]?.respond({}, { endStream: true });
    await new Promise(setImmediate);
  }

  const statuses = (await answers).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, open.length);
  assert.equal(statuses.filter((status) => status === 503).length, 9 - open.length);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="UPSTREAM_BUSY"}'), 9 - open.length);
  assert.ok(open.length >= 4 && open.length < 9, `${open.length} streams`);
  assert.equal(upstream.sessions.length, 2);
});

test("a connection without streams is closed when its time is up", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { idleTimeout: 200 } });
  await callHttp2(openSession(t, proxy.port));
  const [connection] = upstream.sessions;
  assert.ok(connection);

  const [code] = await once(connection, "goaway");

  assert.equal(code, 0);
});

test("E1-15 a destination that has vanished under a call is noticed by a PING, and its caller gets 502", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    await frames.expect(TYPE.HEADERS);
    frames.send(frame(TYPE.SETTINGS, FLAG.ACK, 0));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { pingAfter: 50, pingTimeout: 50 } });

  const answer = await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "x");

  assert.equal(answer.status, 502);
  assert.equal(answer.headers["fenceline-error"], "UPSTREAM_RESET");
});

test("a destination that answers the PING may be silent for as long as it likes, and is not asked again soon", async (t) => {
  let pings = 0;
  const answer = Promise.withResolvers<ServerHttp2Stream>();
  const pinged = Promise.withResolvers<void>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.session?.on("ping", () => {
      pings += 1;
      pinged.resolve();
    });
    answer.resolve(stream);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { pingAfter: 20, pingTimeout: 100 } });
  const call = callHttp2(openSession(t, proxy.port));
  await pinged.promise;
  // Ten times the silence that a PING comes after, and longer than its answer may take.
  await new Promise((resolve) => setTimeout(resolve, 200));

  (await answer.promise).respond({}, { endStream: true });

  assert.equal((await call).status, 200);
  assert.equal(pings, 1);
});

test("E1-16 a destination that accepts and says nothing gets its caller a 504", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.resume());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { upstream: { connectTimeout: 50 } });

  assert.equal((await callHttp2(openSession(t, proxy.port))).headers["fenceline-error"], "CONNECT_TIMED_OUT");
});
