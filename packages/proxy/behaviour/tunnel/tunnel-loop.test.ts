import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { toAddress } from "../../src/resolve/resolver.ts";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { clientHello, inRecords, serverName } from "../../src/testing/client-hello.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { openUpgrade } from "../../src/testing/web-socket.ts";

/**
 * A proxy whose only service is a relay that leads back to it, so that no address tells.
 *
 * @returns the connections that the relay saw
 */
async function startLoop(t: TestContext) {
  const ports = { proxy: 0, relay: 0 };
  let connections = 0;
  const relay = createServer((incoming) => {
    connections += 1;
    const back = connect(ports.proxy, "127.0.0.1");
    incoming.on("error", () => back.destroy()).pipe(back);
    back.on("error", () => incoming.destroy()).pipe(incoming);
    t.after(() => incoming.destroy());
    t.after(() => back.destroy());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  t.after(() => void relay.close());
  const address = relay.address();
  ports.relay = typeof address === "object" && address !== null ? address.port : 0;
  const resolver = { resolve: () => [toAddress("127.0.0.1", ports.relay)] };
  const proxy = await startProxy(t, {}, { resolver });
  ports.proxy = proxy.port;
  return { proxy, connections: () => connections };
}

test("T-06 a TLS connection that comes back is ended where it does", async (t) => {
  const { proxy, connections } = await startLoop(t);
  const socket = tlsConnect({ port: proxy.port, host: "127.0.0.1", servername: SERVICE, rejectUnauthorized: false });
  const [error] = await once(socket, "error");
  assert.equal(error.code, "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR");
  assert.equal(connections(), 1);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="LOOP"}'), 1);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("T-06 an upgrade that comes back is ended where it does", async (t) => {
  const { proxy, connections } = await startLoop(t);
  const { socket, answer } = await openUpgrade(proxy.port);
  socket.destroy();
  assert.match(answer, /^HTTP\/1\.1 508 /);
  assert.equal(connections(), 1);
});

test("T-06 a hello that was seen before is no loop once its connection is over", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.on("data", () => socket.end("answered")));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const hello = inRecords(clientHello([serverName(SERVICE)]));
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const socket = await openSocket(proxy.port);
    socket.write(hello);
    await readUntil(socket, "answered");
    socket.destroy();
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
  }
});
