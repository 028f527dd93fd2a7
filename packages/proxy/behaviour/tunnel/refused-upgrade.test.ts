import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readToEnd } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const REFUSAL = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n\r\nno key";

for (const [what, answer, body] of [
  ["with Content-Length", "HTTP/1.1 401 Unauthorized\r\nX-Why: token\r\nContent-Length: 6\r\n\r\nno key", "no key"],
  ["chunked", "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nno key\r\n0\r\n\r\n", "6\r\nno key\r\n0\r\n\r\n"],
  ["without a body", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", ""],
  ["after an interim answer", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"],
] as const) {
  test(`E1-12 an answer other than 101 (${what}) is relayed, and the client's connection closed`, async (t) => {
    const upstream = await startAnsweringUpstream(t, answer);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);

    socket.write(upgradeRequest());
    const received = await readToEnd(socket);

    const statusLine = answer.slice(answer.lastIndexOf("HTTP/1.1"), answer.indexOf("\r\n", answer.lastIndexOf("HTTP/1.1")));
    assert.ok(received.includes(`${statusLine}\r\n`), received);
    assert.ok(received.endsWith(`\r\n\r\n${body}`), received);
    assert.match(received, /\r\nconnection: close\r\n/i);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
  });
}

test("E1-12 an answer without an end of its own is relayed until the destination closes", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\n\r\nall there is"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(upgradeRequest());

  assert.match(await readToEnd(socket), /all there is\r\n0\r\n\r\n$/);
});

test("E1-12 an answer other than 101 that breaks off never looks complete", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(upgradeRequest());
  const received = await readToEnd(socket);

  assert.ok(!received.endsWith("0\r\n\r\n"), received);
  assert.equal(await proxy.metric("fenceline_proxy_upstream_broken_answers_total"), 1);
});

for (const [when, onConnection] of [
  ["as soon as it is connected", (socket: Socket) => socket.pause().write(REFUSAL, () => socket.destroy())],
  ["from the header", (socket: Socket) => socket.once("data", () => socket.pause().write(REFUSAL, () => socket.resetAndDestroy()))],
] as const) {
  test(`T-36 a destination that refuses an upgrade ${when}, and closes with bytes unread, is heard`, async (t) => {
    const upstream = await startRawUpstream(t, onConnection);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    for (let i = 0; i < 30; i += 1) {
      const client = await openSocket(proxy.port);
      client.write(`${upgradeRequest()}frames behind it`);
      assert.match(await readToEnd(client), /^HTTP\/1\.1 401 Unauthorized\r\n.*no key$/s, `try ${i}`);
    }
  });
}
