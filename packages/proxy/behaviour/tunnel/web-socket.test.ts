import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { exchangeMessage, openUpgrade, startEchoServer } from "../../src/testing/web-socket.ts";

test("E1-12 B2.1-07 a WebSocket is opened, and a message of 1 MiB comes back byte for byte", async (t) => {
  const upstream = await startEchoServer(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const payload = randomBytes(1024 * 1024);

  const { socket, answer } = await openUpgrade(proxy.port);
  const echoed = await exchangeMessage(socket, payload);

  // The value that RFC 6455 §1.3 gives for this key.
  assert.match(answer, /^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/s);
  assert.ok(echoed.equals(payload));
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 1);
  socket.end();
  await once(socket, "close");
});

test("E1-12 an upgrade is reported and counted like any other call, with 101", async (t) => {
  const upstream = await startEchoServer(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { socket } = await openUpgrade(proxy.port);

  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="1xx"}'), 1);
  const [edge] = await proxy.reported.waitFor(1);
  assert.deepEqual(edge?.source, { namespace: "bookinfo", name: "productpage" });
  assert.equal(edge?.authority, SERVICE);
  socket.destroy();
});
