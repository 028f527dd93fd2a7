import assert from "node:assert/strict";
import { test } from "node:test";
import { openSocket } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream } from "../../src/testing/upstream.ts";
import { openUpgrade, upgradeRequest } from "../../src/testing/web-socket.ts";

const SWITCH = "HTTP/1.1 101 Switching to\tit\r\nUpgrade: WebSocket\r\nX-ODD:  two  spaces \r\nX-Odd: again\r\nConnection: upgrade\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

test("E1-12 the request for an upgrade goes on byte for byte, without what the fence has added", async (t) => {
  const upstream = await startAnsweringUpstream(t, SWITCH);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { socket } = await openUpgrade(proxy.port, upgradeRequest(["slime-source-ns: bookinfo", "X-Cased: Value"]));
  const received = await upstream.received("\r\n\r\n");

  assert.ok(received.startsWith(`GET /chat?room=1 HTTP/1.1\r\nhost: ${SERVICE}\r\n`), received);
  assert.match(received, /\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Cased: Value\r\n/);
  assert.match(received, /\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n$/);
  assert.doesNotMatch(received, /fence-source|slime-/i);
  assert.match(received, /\r\nfenceline-hop: /);
  socket.destroy();
});

test("E1-12 the 101 comes back byte for byte", async (t) => {
  const upstream = await startAnsweringUpstream(t, SWITCH);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { socket, answer } = await openUpgrade(proxy.port);

  assert.equal(answer, SWITCH);
  socket.destroy();
});

test("E1-12 other protocols and methods are upgraded, too", async (t) => {
  const upstream = await startAnsweringUpstream(t, SWITCH);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const { socket } = await openUpgrade(proxy.port, upgradeRequest([], { method: "POST", protocol: "SPDY/3.1, tcp" }));

  assert.match(await upstream.received("\r\n\r\n"), /^POST .*\r\nupgrade: SPDY\/3\.1, tcp\r\n\r\n$/s);
  socket.destroy();
});

for (const [what, request] of Object.entries({
  "Upgrade without `Connection: upgrade`": upgradeRequest().replace("keep-alive, Upgrade", "keep-alive"),
  "`Upgrade: h2c`": upgradeRequest([], { protocol: "h2c" }),
  "an upgrade in HTTP/1.0": upgradeRequest().replace("HTTP/1.1", "HTTP/1.0"),
  "an upgrade with Content-Length": `${upgradeRequest(["Content-Length: 4"])}body`,
  "an upgrade with a chunked body": `${upgradeRequest(["Transfer-Encoding: chunked"])}4\r\nbody\r\n0\r\n\r\n`,
})) {
  test(`E1-12 ${what} is a plain request`, async (t) => {
    const upstream = await startAnsweringUpstream(t, OK);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const { socket, answer } = await openUpgrade(proxy.port, request);
    const received = await upstream.received(request.includes("body") ? "body" : "\r\n\r\n");

    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(received, /upgrade/i);
    socket.destroy();
  });
}

test("E1-12 an upgrade behind an unanswered request is a plain request, and answered second", async (t) => {
  const upstream = await startAnsweringUpstream(t, OK);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  let answers = "";
  socket.on("data", (chunk) => {
    answers += chunk.toString("latin1");
  });

  socket.write(`GET /first HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n${upgradeRequest()}`);
  const received = await upstream.received("/chat");

  assert.doesNotMatch(received, /upgrade/i);
  assert.doesNotMatch(answers, / 101 /);
  socket.destroy();
});
