import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readToEnd } from "../../src/testing/client.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream, unusedPort } from "../../src/testing/upstream.ts";
import { openUpgrade, startEchoServer, upgradeRequest } from "../../src/testing/web-socket.ts";

/** The code of the refusal that an upgrade gets. */
async function refusalCode(proxy: ProxyUnderTest, request = upgradeRequest()): Promise<string | undefined> {
  const socket = await openSocket(proxy.port);
  socket.write(request);
  const answer = await readToEnd(socket);
  return /^HTTP\/1\.1 \d+ .*\r\nfenceline-error: (\w+)\r\n/s.exec(answer)?.[1];
}

test("E1-12 an upgrade to an endpoint that refuses the connection goes to the next one", async (t) => {
  const upstream = await startEchoServer(t);
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort(), upstream.port, await unusedPort()] });

  for (let i = 0; i < 3; i += 1) {
    const { socket, answer } = await openUpgrade(proxy.port);
    assert.match(answer, /^HTTP\/1\.1 101 /);
    socket.destroy();
  }
  assert.ok((await proxy.metric("fenceline_proxy_upstream_connect_failures_total")) >= 1);
});

test("E1-12 an upgrade to endpoints that all refuse gets CONNECT_FAILED", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort(), await unusedPort()] });

  assert.equal(await refusalCode(proxy), "CONNECT_FAILED");
  assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 3);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("E1-12 an upgrade passes the same steps as any request", async (t) => {
  const upstream = await startEchoServer(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { allowLoopback: false });

  assert.equal(await refusalCode(proxy), "ADDRESS_REFUSED");
  assert.equal(await refusalCode(proxy, upgradeRequest().replace(SERVICE, "none.bookinfo.svc.cluster.local")), "NO_SUCH_SERVICE");
  assert.equal(await refusalCode(proxy, upgradeRequest().replace(`Host: ${SERVICE}\r\n`, "")), "HOST_MALFORMED");
  assert.equal(upstream.connections(), 0);
});

test("E1-12 an upgrade that was here before gets LOOP", async (t) => {
  const upstream = await startAnsweringUpstream(t, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const { socket } = await openUpgrade(proxy.port);
  const hops = /fenceline-hop: (\w+)/.exec(await upstream.received("fenceline-hop"))?.[1];

  assert.equal(await refusalCode(proxy, upgradeRequest([`fenceline-hop: ${hops}`])), "LOOP");
  socket.destroy();
});

for (const [what, answer, code] of [
  ["closes", "", "UPSTREAM_RESET"],
  ["closes in the midst of its header", "HTTP/1.1 101 Swi", "UPSTREAM_RESET"],
  ["answers no HTTP", "220 smtp.example ESMTP\r\n\r\n", "UPSTREAM_INVALID"],
  ["puts a control character into its 101", "HTTP/1.1 101 Switching\r\nX: \u0001\r\n\r\n", "UPSTREAM_INVALID"],
  ["sends a header beyond 64 KiB", `HTTP/1.1 101 Switching\r\nX: ${"x".repeat(70_000)}\r\n\r\n`, "UPSTREAM_INVALID"],
] as const) {
  test(`E1-12 a destination that ${what} instead of switching gives ${code}`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => socket.end(answer));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.equal(await refusalCode(proxy), code);
  });
}

test("E1-12 a 101 that comes byte by byte is a 101", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.setNoDelay(true).once("data", async () => {
      for (const byte of "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nrest") {
        await new Promise((resolve) => socket.write(byte, resolve));
      }
      socket.end();
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  socket.write(upgradeRequest());
  socket.on("end", () => socket.end());

  assert.match(await readToEnd(socket), /^HTTP\/1\.1 103 .*HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nrest$/s);
});

test("E1-12 a destination that does not answer in the time configured gives UPSTREAM_TIMED_OUT", async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { upstream: { headersTimeout: 100 } });

  assert.equal(await refusalCode(proxy), "UPSTREAM_TIMED_OUT");
});

for (const how of ["resets", "closes"] as const) {
  test(`E1-12 a client that ${how} its connection before the 101 ends the call to the destination`, async (t) => {
    const arrived = Promise.withResolvers<Socket>();
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => arrived.resolve(socket));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);
    client.write(upgradeRequest());
    const destination = await arrived.promise;

    if (how === "resets") client.resetAndDestroy();
    else client.end();
    destination.resume();
    await once(destination, "close");

    await proxy.until('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}', 1);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
  });
}
