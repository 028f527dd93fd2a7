import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { call, openSocket, readUntil, refusalOf } from "../../src/testing/client.ts";
import { GREETINGS } from "../../src/testing/greetings.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

/** What no HTTP/1.1 answer begins with. */
const NOT_HTTP1 = { ...GREETINGS, "HTTP/2 SETTINGS": "\0\0\0\x04\0\0\0\0\0" };

for (const [what, greeting] of Object.entries(NOT_HTTP1)) {
  test(`T-37 ${what} as an answer is a 502 at once, and the log says what it began with`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", () => socket.write(greeting, "latin1"));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await call(proxy.port);

    assert.deepEqual([answer.status, refusalOf(answer).code], [502, "UPSTREAM_INVALID"]);
    assert.match(String(proxy.log[0]?.cause), /begins with|control character/);
    assert.equal(proxy.log[0]?.endpoint, `http://127.0.0.1:${upstream.port}`);
  });

  test(`T-37 ${what} byte by byte is a 502, to an upgrade too`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.setNoDelay(true).once("data", async () => {
        for (const byte of greeting) {
          if (socket.destroyed) return;
          await new Promise((resolve) => socket.write(byte, "latin1", resolve));
        }
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.equal((await call(proxy.port, { method: "POST", body: "x" })).status, 502);
    const client = await openSocket(proxy.port);
    client.write(upgradeRequest());
    assert.match(await readUntil(client, "}\n"), /^HTTP\/1\.1 502 .*UPSTREAM_INVALID/s);
    client.destroy();
  });
}

test("T-37 a greeting that comes before the request was sent is a 502 at once", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write("SSH-2.0-OpenSSH_9.2p1\r\n"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  for (let i = 0; i < 5; i += 1) assert.equal((await call(proxy.port)).status, 502);
});

test("T-37 what a destination says on an idle connection closes it, and is nobody's answer", async (t) => {
  const sockets: Socket[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    sockets.push(socket);
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  for (const surplus of [
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "\r\n",
    "SSH-2.0-x\r\n",
    "HTTP/1.1 408 Request Timeout\r\n\r\n",
  ]) {
    assert.equal((await call(proxy.port)).body.toString(), "ok");
    const socket = sockets.at(-1) ?? assert.fail();
    const closed = once(socket, "close");
    socket.write(surplus);
    await closed;
  }
  assert.equal((await call(proxy.port)).body.toString(), "ok");
});
