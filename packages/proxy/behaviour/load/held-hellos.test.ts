import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { call, openSocket, readToEnd, readUntil } from "../../src/testing/client.ts";
import { clientHello, inRecords, serverName } from "../../src/testing/client-hello.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const LIMIT = 2 * 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const OVERDUE = 'fenceline_proxy_requests_total{outcome="REQUEST_TIMED_OUT"}';
const CLIENTS = 100;
const HELLO = inRecords(clientHello([serverName(SERVICE)]));
/** All but the last byte of the largest hello, in records of so many bytes. */
const unfinished = (recordSize: number) =>
  inRecords(clientHello([serverName(SERVICE), { type: 21, content: Buffer.alloc(16_000) }]), recordSize).subarray(0, -1);

async function openClient(t: TestContext, port: number): Promise<Socket> {
  const socket = await openSocket(port);
  t.after(() => socket.destroy());
  return socket;
}

for (const [how, bytes] of [
  ["whole records", unfinished(16_384)],
  ["records of few bytes", unfinished(3)],
] as const) {
  test(`T-10 a ClientHello in ${how} that does not come to its end counts, and many of them are bounded`, async (t) => {
    // Twice the limit and more, put together or not.
    assert.ok(CLIENTS * (bytes.length + 16_000) > 1.5 * LIMIT);
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", ([first]) => socket.write(first === HELLO[0] ? "there" : "HTTP/1.1 204 No Content\r\n\r\n"));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
    const small = await openClient(t, proxy.port);
    small.write(HELLO.subarray(0, 60));
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(t, proxy.port)));
    const answers: string[] = [];
    // Those that are left are reset at the end of the test.
    for (const client of clients)
      void readToEnd(client)
        .then((answer) => answers.push(answer))
        .catch(() => {});

    for (const client of clients) client.write(bytes);
    await until(async () => answers.length > 0 && (await proxy.metric(HELD)) > 0 && (await proxy.metric(HELD)) <= LIMIT);

    assert.ok((await proxy.metric(OVERDUE)) > 0);
    // Each heard of it: an alert, which is a record of type 21.
    assert.deepEqual([...new Set(answers.map((answer) => answer.charCodeAt(0)))], [21]);
    small.write(HELLO.subarray(60));
    assert.equal(await readUntil(small, "there"), "there");
    assert.equal((await call(proxy.port)).status, 204);
  });
}

test("T-10 a tunnel of TLS counts once, and its hello no more once it was sent", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write("there"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const client = await openClient(t, proxy.port);
  client.write(HELLO.subarray(0, 60));
  await until(async () => (await proxy.metric(HELD)) >= 60);

  client.write(HELLO.subarray(60));

  await readUntil(client, "there");
  await proxy.until(HELD, 0);
});
