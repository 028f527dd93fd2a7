import assert from "node:assert/strict";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { openSocket } from "../../src/testing/client.ts";
import { closed, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const MIB = 1024 * 1024;
const GIVEN_UP = "fenceline_proxy_given_up_answers_total";
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const BLOCK = Buffer.alloc(64 * 1024);
const SLOW = "reviews.bookinfo.svc.cluster.local";
const REQUEST = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nFence-Source: bookinfo/productpage\r\n\r\n`;

/** Writes without an end, as fast as it is taken. */
function pump(to: Socket | ServerHttp2Stream | { write(chunk: Buffer): boolean; on(event: "drain", listener: () => void): unknown }): void {
  const more = () => {
    while (to.write(BLOCK));
  };
  to.on("drain", more);
  more();
}

/** Resolves once so many were given up, and no more is held than twice the limit. */
async function untilBounded(proxy: ProxyUnderTest, limit: number, count: number): Promise<void> {
  await until(async () => (await proxy.metric(GIVEN_UP)) >= count && (await proxy.metric(HELD)) <= 2 * limit);
}

test("T-10 HTTP/2 answers that clients do not take hold a bounded sum of bytes, and a slow one beside them is read to its end", async (t) => {
  const limit = 8 * MIB;
  const streams = 200;
  const flood = await startHttp2Upstream(t, (stream) => {
    stream.respond();
    pump(stream);
  });
  const slow = await startHttp2Upstream(t, async (stream) => {
    stream.respond();
    for (let i = 0; i < 12; i += 1) {
      stream.write("x".repeat(1_000));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    stream.end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [flood.port], [SLOW]: [slow.port] }, { load: { maxHeldBytes: limit, maxTurn: 0 } });
  const answer = readHttp2(openSession(t, proxy.port).request(head({ ":authority": SLOW })));

  const deaf = openSession(t, proxy.port);
  // Nobody reads them: a stream's window is used up by 64 KiB.
  const ended = Array.from({ length: streams }, async () => {
    const stream = deaf.request(head());
    await closed(stream);
    return stream.rstCode;
  });
  await untilBounded(proxy, limit, streams / 2);

  assert.equal(await Promise.any(ended), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.deepEqual(await answer.then(({ status, body }) => [status, body.length]), [200, 12_000]);
  assert.ok(proxy.log.some(({ code, msg }) => code === "CALL_STALLED" && msg === "answer given up"));
});

for (const [what, request, begin] of [
  ["HTTP/1.1 answers", REQUEST, "HTTP/1.1 200 OK\r\n\r\n"],
  ["upgraded connections", upgradeRequest(), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
] as const) {
  test(`T-10 ${what} that clients do not read hold a bounded sum of bytes`, async (t) => {
    const clients = 40;
    const upstream = await startRawUpstream(t, (socket) => {
      socket
        .on("error", () => {})
        .once("data", () => {
          socket.write(begin);
          pump(socket);
        });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: MIB, maxTurn: 0 } });
    for (let i = 0; i < clients; i += 1) {
      const socket = await openSocket(proxy.port);
      t.after(() => socket.destroy());
      socket.pause().write(request);
    }
    // Each holds what its destination sends in one piece, 64 KiB.
    await untilBounded(proxy, MIB, clients / 2);

    assert.ok((await proxy.metric(GIVEN_UP)) < clients);
  });
}
