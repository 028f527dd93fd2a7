/** Bytes that come one by one, and wait for a peer that does not read. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { until } from "@fenceline/api/testing";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const SEGMENTS = 3_000;
/** Segments that may wait: one that is being written, and those behind it. */
const FEW = 500;
/** Less than what stops the reading by its bytes. */
const BLOCK = Buffer.alloc(16 * 1024, "x");
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

interface Ends {
  readonly proxy: ProxyUnderTest;
  readonly client: Socket;
  readonly destination: Socket;
}

/** A call whose answer has begun; the destination says `head`, and neither side reads any more. */
async function openCall(t: TestContext, request: string, head: string): Promise<Ends> {
  const accepted = Promise.withResolvers<Socket>();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => accepted.resolve(socket.pause()));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  client.write(request);
  const destination = await accepted.promise;
  destination.write(head);
  await readUntil(client, "\r\n\r\n");
  for (const socket of [client.pause(), destination.pause()]) socket.setNoDelay(true);
  return { proxy, client, destination };
}

/**
 * Sends until bytes wait in the proxy, and then one by one, of which few may wait. Once `to` reads,
 * all arrive.
 */
async function assertStops(proxy: ProxyUnderTest, from: Socket, to: Socket): Promise<void> {
  let sent = 0;
  const before = await proxy.metric(HELD);
  let held = before;
  for (; held === before; sent += BLOCK.length) {
    from.write(BLOCK);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    held = await proxy.metric(HELD);
  }
  for (let segments = 0; segments < SEGMENTS; segments += 1, sent += 1) {
    await new Promise((resolve) => from.write("x", resolve));
    await nextTurn();
  }

  const waiting = (await proxy.metric(HELD)) - held;

  assert.ok(waiting < FEW, `${waiting} segments wait`);
  let received = 0;
  to.on("data", (chunk) => {
    received += chunk.length;
  }).resume();
  await until(() => received === sent);
}

test("T-10 segments of one byte in a tunnel whose destination does not read stop it by their number", async (t) => {
  const { proxy, client, destination } = await openCall(t, upgradeRequest(), SWITCH);
  await assertStops(proxy, client, destination);
});

test("T-10 segments of one byte in a tunnel whose client does not read stop it by their number", async (t) => {
  const { proxy, client, destination } = await openCall(t, upgradeRequest(), SWITCH);
  await assertStops(proxy, destination, client);
});

for (const [what, request] of [
  ["an HTTP/1.1 answer", `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`],
  ["an answer other than 101", upgradeRequest()],
] as const) {
  test(`T-10 segments of one byte of ${what} that its client does not read stop it by their number`, async (t) => {
    const { proxy, client, destination } = await openCall(t, request, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    await assertStops(proxy, destination, client);
  });
}
