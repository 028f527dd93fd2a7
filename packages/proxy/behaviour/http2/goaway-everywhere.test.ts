import assert from "node:assert/strict";
import { test } from "node:test";
import { FLAG, type FrameSocket, frame, hpack, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const CONNECTIONS = 4;
const MAX_CONCURRENT_STREAMS = 3;
const LAST_STREAM = 2 ** 31 - 1;

const ONE_STREAM = { [MAX_CONCURRENT_STREAMS]: 1 };
const goaway = (lastStream: number) => frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(lastStream), uint32(0)]));
const ok = (stream: number) => frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([[":status", "200"]]));

/** Resolves with the identifier of the stream that was opened as the nth of this connection. */
async function opened(frames: FrameSocket, nth: number): Promise<number> {
  for (;;) {
    const stream = frames.received.filter(({ type }) => type === TYPE.HEADERS)[nth - 1]?.stream;
    if (stream !== undefined) return stream;
    if (frames.closed) return new Promise(() => {});
    await frames.more();
  }
}

for (const { name, last } of [
  { name: "that names its last stream", last: (seen: number) => seen - 2 },
  { name: "that names none, and a second one that does", last: undefined },
]) {
  test(`T-35 a request for a destination that says GOAWAY on all its connections at once, ${name}, goes to a new one`, async (t) => {
    const old: FrameSocket[] = [];
    const complete = Promise.withResolvers<void>();
    let taken = 0;
    const upstream = await startFrameUpstream(
      t,
      async (frames) => {
        const isNew = old.length === CONNECTIONS;
        if (!isNew) old.push(frames);
        const first = await opened(frames, 1);
        if (isNew) {
          frames.send(ok(first));
          return;
        }
        taken += 1;
        if (taken === CONNECTIONS) complete.resolve();
        await complete.promise;
        frames.send(ok(first));
        // Whichever connection the next request takes: its destination stops, and none of them
        // looks at another one.
        const second = await opened(frames, 2);
        for (const each of old) each.send(...(last === undefined ? [goaway(LAST_STREAM), goaway(1)] : [goaway(last(second))]));
      },
      ONE_STREAM,
    );
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const session = openSession(t, proxy.port);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => callHttp2(session)));
    assert.equal(old.length, CONNECTIONS);

    const { status } = await callHttp2(session, { ":method": "POST" }, "body");

    assert.equal(status, 200);
    assert.equal(upstream.connections(), CONNECTIONS + 1);
  });
}

test("T-35 a request whose destination goes away from each connection without a look at it gets 502 in the end", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    await opened(frames, 1);
    frames.send(goaway(0));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port), { ":method": "POST" }, "body")).status, 502);
  assert.equal(upstream.connections(), 17);
});
