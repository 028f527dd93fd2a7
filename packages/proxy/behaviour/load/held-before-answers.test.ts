/**
 * What waits before an answer begins, beside requests: parts of its header, and bytes before a 101.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const LIMIT = 1024 * 1024;
const CLIENTS = 60;
const PART = "a".repeat(40_000);
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const STALLED = 'fenceline_proxy_requests_total{outcome="CALL_STALLED"}';
const REQUEST = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;

for (const [what, request, answer] of [
  ["headers of answers that do not come to their end", REQUEST, `HTTP/1.1 200 OK\r\nx-large: ${PART}`],
  ["bytes that clients send before the answer to their upgrade", `${upgradeRequest()}${PART}`, ""],
] as const) {
  test(`T-10 ${what} hold a bounded sum of bytes`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", () => socket.write(answer));
    });
    const load = { maxHeldBytes: LIMIT, maxTurn: 0 };
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load });
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openSocket(proxy.port)));
    t.after(() => {
      for (const client of clients) client.destroy();
    });
    const first = Promise.any(clients.map((client) => readUntil(client, "\r\n\r\n")));

    for (const client of clients) client.write(request);

    // Beyond twice the limit nobody is given any time.
    while (!t.signal.aborted && ((await proxy.metric(STALLED)) === 0 || (await proxy.metric(HELD)) > 2 * LIMIT)) await nextTurn();
    if (answer !== "") assert.match(await first, /^HTTP\/1\.1 504 .*CALL_STALLED/s);
  });
}
