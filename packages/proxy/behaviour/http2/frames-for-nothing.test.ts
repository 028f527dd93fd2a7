import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FrameBudget } from "../../src/http2/frame-budget.ts";
import { FLAG, frame, hpack, openFrames, requestFields, startFrameUpstream, TYPE, uint32 } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;
const MUCH = 64 * 1024 * 1024;
const ANY_PRIORITY = Buffer.alloc(5);

for (const { name, flood } of [
  { name: "WINDOW_UPDATE", flood: frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(1)) },
  { name: "WINDOW_UPDATE of a stream", flood: frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 1, uint32(1)) },
  { name: "PRIORITY", flood: frame(TYPE.PRIORITY, FLAG.NONE, 1, ANY_PRIORITY) },
  { name: "empty DATA", flood: frame(TYPE.DATA, FLAG.NONE, 1) },
  { name: "RST_STREAM of a stream that is over", flood: frame(TYPE.RST_STREAM, FLAG.NONE, 3, uint32(NGHTTP2_CANCEL)) },
  { name: "frames of an unknown type", flood: frame(0xee, FLAG.NONE, 0, "x") },
]) {
  test(`T-32 a flood of ${name} that nothing is sent for ends the connection`, async (t) => {
    const upstream = await startHttp2Upstream(t, (stream) => stream.resume());
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openFrames(t, proxy.port);
    for (const stream of [1, 3]) client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, requestFields([["te", "trailers"]])));
    client.send(frame(TYPE.RST_STREAM, FLAG.NONE, 3, uint32(NGHTTP2_CANCEL)));

    const slice = Buffer.alloc(flood.length * 4_000, flood);
    for (let sent = 0; sent < MUCH && !client.closed; sent += slice.length) {
      if (!client.socket.write(slice)) await Promise.race([once(client.socket, "drain").catch(() => {}), client.end()]);
      await nextTurn();
    }

    // What is still under way to a connection that closes can take its GOAWAY from a client.
    const goaway = (await client.end()).findLast(({ type }) => type === TYPE.GOAWAY)?.payload.readUInt32BE(4);
    assert.notEqual(goaway, NGHTTP2_NO_ERROR);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
  });
}

test("T-32 an answer with an empty DATA frame before each of two thousand pieces arrives", async (t) => {
  const upstream = await startFrameUpstream(t, async (frames) => {
    const { stream } = await frames.expect(TYPE.HEADERS);
    const piece = [frame(TYPE.DATA, FLAG.NONE, stream), frame(TYPE.DATA, FLAG.NONE, stream, "x")];
    frames.send(
      frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, hpack([[":status", "200"]])),
      ...Array.from({ length: 2_000 }, () => piece).flat(),
      frame(TYPE.DATA, FLAG.END_STREAM, stream),
    );
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port))).body.length, 2_000);
});

test("T-32 an upload with an empty DATA frame before each of two thousand pieces arrives", async (t) => {
  const upstream = await startHttp2Upstream(t, async (stream) => {
    const body = Buffer.concat(await stream.toArray());
    stream.respond({ "x-bytes": String(body.length) }, { endStream: true });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openFrames(t, proxy.port);
  const piece = [frame(TYPE.DATA, FLAG.NONE, 1), frame(TYPE.DATA, FLAG.NONE, 1, "x")];

  client.send(
    frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, requestFields()),
    ...Array.from({ length: 2_000 }, () => piece).flat(),
    frame(TYPE.DATA, FLAG.END_STREAM, 1),
  );

  await client.expect(TYPE.HEADERS, 1);
});

test("T-32 a hundred uploads that are refused end no connection, with all of their windows under way", async (t) => {
  const proxy = await startProxy(t, {});
  const session = openSession(t, proxy.port);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => {
      const stream = session.request(head({ ":method": "POST" }));
      stream.write(Buffer.alloc(65_535));
      return readHttp2(stream);
    }),
  );

  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [503]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal((await callHttp2(session)).status, 503);
});

test("T-32 callers that hedge, and cancel as many calls as they finish, are no flood", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    if (headers[":path"] === "/fast") stream.respond({}, { endStream: true });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { resetBurst: 10, resetRate: 1 } });
  const session = openSession(t, proxy.port);

  for (let i = 0; i < 50; i += 1) {
    const slow = session.request(head({ ":path": "/slow" }));
    slow.on("error", () => {});
    assert.equal((await callHttp2(session, { ":path": "/fast" })).status, 200);
    slow.close(NGHTTP2_CANCEL);
  }

  assert.equal(session.destroyed, false);
});

test("T-32 streams that are cancelled after their answer began are no flood", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { http2: { resetBurst: 10, resetRate: 1 } });
  const session = openSession(t, proxy.port);

  for (let i = 0; i < 50; i += 1) {
    const stream = session.request(head());
    await new Promise((resolve, reject) => stream.on("response", resolve).on("error", reject));
    stream.close(NGHTTP2_CANCEL);
  }

  assert.equal((await new Promise((resolve) => session.ping((error) => resolve(error)))) ?? undefined, undefined);
});

test("T-32 two WINDOW_UPDATEs for each DATA frame of one byte stay within the budget for ever", () => {
  const budget = new FrameBudget();
  budget.request(200, false);
  let [read, written] = [200, 0];
  for (let i = 0; i < 1_000_000; i += 1) {
    written += 10;
    read += 26;
  }
  assert.equal(budget.exceeded(read, written), false);
  assert.equal(budget.exceeded(read + 100_000_000, written), true);
});

test("T-32 an upload of one byte to a frame stays within the budget for ever, with nothing sent", () => {
  const budget = new FrameBudget();
  let read = 0;
  for (let i = 0; i < 1_000_000; i += 1) {
    budget.data(1);
    read += 10;
  }
  assert.equal(budget.exceeded(read, 0), false);
});
