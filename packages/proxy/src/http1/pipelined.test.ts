import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openSocket, readUntil } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

const REQUESTS = 4_000;
/** Far more than what the kernel takes for a connection that nobody reads from. */
const REQUEST = `GET /${"x".repeat(8_000)} HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;

test("T-10 what is pipelined behind an answer that does not come is not taken in, and is answered once it has come", async (t) => {
  let answerFirst = () => {};
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url !== "/first") response.end(".");
    else answerFirst = () => response.end("first");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  client.write(`GET /first HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  for (let sent = 1; sent < REQUESTS; sent += 1) client.write(REQUEST);
  client.write(`GET /last HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`);

  await untilStill(() => client.writableLength);
  assert.ok(client.writableLength > (REQUESTS * REQUEST.length) / 2, `${client.writableLength} bytes are left`);
  await proxy.until("fenceline_proxy_requests_in_flight", 1);

  answerFirst();
  const answers = await readUntil(client, "first");
  assert.match(answers, /^HTTP\/1\.1 200 /);
  client.resume();
  await once(client, "end");
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), REQUESTS + 1);
});

test("T-10 tiny requests that are pipelined cost a bounded number of bytes", async (t) => {
  const upstream = await startUpstream(t, () => {});
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  client.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  const piece = "GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(40_000);
  for (let sent = 0; sent < 30; sent += 1) client.write(piece);

  await untilStill(() => client.writableLength);
  assert.ok(client.writableLength > 15 * piece.length, `${client.writableLength} bytes are left`);
});

/** Resolves once a value has not changed for a while. */
async function untilStill(value: () => number): Promise<void> {
  for (let before = Number.NaN, still = 0; still < 10; await pause(20)) {
    still = value() === before ? still + 1 : 0;
    before = value();
  }
}
