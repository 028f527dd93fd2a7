import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { type TestContext, test } from "node:test";
import { CLIENT_ERRORS, CONNECTION_ERRORS, DESTINATION_ERRORS } from "../../src/testing/connection-errors.ts";
import { FLAG, type FrameSocket, frame, openFrames, requestFields, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, closed, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const OTHER = "reviews.bookinfo.svc.cluster.local";
const IN_FLIGHT = "fenceline_proxy_requests_in_flight";
const LAST_STREAM = 2 ** 31 - 1;
const INTERNAL_ERROR = 2;
/** What is wrong ends the connection at once; nothing waits for a time-out. */
const ends = { timeout: 10_000 };

const goaway = (lastStream: number, code = 0) => frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(lastStream), uint32(code)]));

/** A proxy, and a client whose call waits at a destination for its answer. */
async function startCall(t: TestContext) {
  const arrived = Promise.withResolvers<ServerHttp2Stream>();
  const upstream = await startHttp2Upstream(t, (stream) => arrived.resolve(stream));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields()));
  return { proxy, client, atDestination: await arrived.promise };
}

for (const [name, bytes] of Object.entries({ ...CONNECTION_ERRORS, ...CLIENT_ERRORS })) {
  for (const [saying, goaways] of [
    ["GOAWAY", [goaway(0)]],
    ["GOAWAY with a code", [goaway(0, INTERNAL_ERROR)]],
    ["GOAWAY twice", [goaway(0), goaway(0)]],
  ] as const) {
    test(`T-35 a client that sends ${name} behind ${saying} loses its connection and its call at once`, ends, async (t) => {
      const { proxy, client, atDestination } = await startCall(t);
      const cut = closed(atDestination);

      client.send(...goaways);
      client.send(frame(TYPE.PING, FLAG.NONE, 0, "12345678"));
      await client.expect(TYPE.PING);
      client.send(bytes);

      await client.end();
      await cut;
      await proxy.until(IN_FLIGHT, 0);
      await proxy.until("fenceline_proxy_connections", 0);
    });
  }
}

for (const [name, bytes] of Object.entries({ ...CONNECTION_ERRORS, ...DESTINATION_ERRORS })) {
  test(`T-35 a destination that sends ${name} behind GOAWAY loses its connection, and its callers hear of it at once`, ends, async (t) => {
    const arrived = Promise.withResolvers<FrameSocket>();
    const upstream = await startFrameUpstream(t, async (frames) => {
      await frames.expect(TYPE.HEADERS);
      arrived.resolve(frames);
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const answer = callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "body");
    const destination = await arrived.promise;

    destination.send(goaway(LAST_STREAM));
    destination.send(frame(TYPE.PING, FLAG.NONE, 0, "12345678"));
    await destination.expect(TYPE.PING);
    destination.send(bytes);

    assert.equal((await answer).status, 502);
    await destination.end();
    await proxy.until(IN_FLIGHT, 0);
  });
}

test("T-35 a client that keeps to the rules behind its GOAWAY gets its answer, and all of it", async (t) => {
  const { proxy, client, atDestination } = await startCall(t);

  client.send(goaway(0), goaway(0));
  // RFC 9113 §6.8: it said of which of our streams it takes no more, and there are none.
  client.send(frame(TYPE.DATA, FLAG.END_STREAM, 1, "body"));
  atDestination.resume();
  await once(atDestination, "end");
  atDestination.respond({}, { endStream: false });
  await client.expect(TYPE.HEADERS, 1);
  client.send(frame(TYPE.PING, FLAG.NONE, 0, "12345678"));
  await client.expect(TYPE.PING);
  atDestination.end("late");

  const { payload } = await client.expect(TYPE.DATA, 1);
  assert.equal(payload.toString(), "late");
  await client.end();
  await proxy.until(IN_FLIGHT, 0);
});

for (const code of [0, INTERNAL_ERROR]) {
  test(
    `T-35 a client of Node waits behind its GOAWAY with code ${code} longer than any of our time-outs, and gets its answer`,
    ends,
    async (t) => {
      const arrived = Promise.withResolvers<ServerHttp2Stream>();
      const upstream = await startHttp2Upstream(t, (stream) => arrived.resolve(stream));
      const times = { headersTimeout: 100, keepAliveTimeout: 2_500 };
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: times });
      const session = openSession(t, proxy.port);
      const answer = callHttp2(session);
      const stream = await arrived.promise;
      session.goaway(code);

      // Ended for its silence, and looked at as often as the other one until then.
      const idle = await openFrames(t, proxy.port);
      await idle.end();
      stream.respond();
      stream.end("late");

      assert.equal((await answer).body, "late");
      await proxy.until("fenceline_proxy_connections", 0);
    },
  );
}

for (const code of [0, INTERNAL_ERROR]) {
  test(
    `T-35 a destination that vanishes behind its GOAWAY with code ${code} is noticed by a PING, and its caller gets 502`,
    ends,
    async (t) => {
      const upstream = await startFrameUpstream(t, async (frames) => {
        await frames.expect(TYPE.HEADERS);
        frames.send(frame(TYPE.SETTINGS, FLAG.ACK, 0), goaway(LAST_STREAM, code));
      });
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { pingAfter: 50, pingTimeout: 50 } });

      const { status, headers } = await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "x");

      assert.deepEqual([status, headers["fenceline-error"]], [502, "UPSTREAM_RESET"]);
    },
  );
}

test("T-35 a destination that vanishes after its connection was given up for newer ones is noticed by a PING", ends, async (t) => {
  const arrived = Promise.withResolvers<void>();
  const upstream = await startFrameUpstream(t, async (frames) => {
    await frames.expect(TYPE.HEADERS);
    frames.send(frame(TYPE.SETTINGS, FLAG.ACK, 0));
    arrived.resolve();
  });
  const other = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const services = { [SERVICE]: [upstream.port], [OTHER]: [other.port] };
  const proxy = await startProxy(t, services, { upstream: { maxPools: 1 }, http2: { pingAfter: 500, pingTimeout: 50 } });
  const session = openSession(t, proxy.port);
  const answer = callHttp2(session, { ":method": "POST" }, "x");
  await arrived.promise;
  await callHttp2(session, { ":authority": OTHER });

  assert.equal((await answer).status, 502);
});

test("T-35 on a connection that a drain closes, a broken answer of one stream ends no other one", async (t) => {
  const arrived: ServerHttp2Stream[] = [];
  const both = Promise.withResolvers<void>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    if (arrived.push(stream) === 2) both.resolve();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  // A body of one byte is announced by the first one.
  client.send(
    frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields([["content-length", "1"]])),
    frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 3, requestFields()),
  );
  await both.promise;
  const drained = proxy.sidecar.close({ deadline: 60_000 });
  client.onFrame(({ type, flags, payload }) => {
    if (type === TYPE.PING && flags === FLAG.NONE) client.send(frame(TYPE.PING, FLAG.ACK, 0, payload));
  });
  while (client.received.filter(({ type }) => type === TYPE.GOAWAY).length < 2) await client.more();

  client.send(frame(TYPE.DATA, FLAG.END_STREAM, 1, "two"));
  await client.expect(TYPE.RST_STREAM, 1);
  await client.expect(TYPE.PING);
  arrived[1]?.respond({}, { endStream: true });

  assert.equal((await client.expect(TYPE.HEADERS, 3)).flags & FLAG.END_STREAM, FLAG.END_STREAM);
  await drained;
});

test("T-35 a client that breaks the protocol behind the GOAWAY of a drain holds it up to its deadline, and no longer", ends, async (t) => {
  const { proxy, client, atDestination } = await startCall(t);
  const cut = closed(atDestination);

  const drained = proxy.sidecar.close({ deadline: 500 });
  await client.expect(TYPE.GOAWAY);
  client.send(frame(TYPE.DATA, FLAG.NONE, 99, "x"));

  await drained;
  await client.end();
  await cut;
});
