import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { call, open, openSocket, refusalOf } from "../../src/testing/client.ts";
import { callHttp2, head, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const LEFT = 'fenceline_proxy_requests_total{outcome="CLIENT_GONE"}';
const IN_FLIGHT = "fenceline_proxy_requests_in_flight";

/**
 * A destination that holds its first answer back, and a proxy with one connection to it and one
 * place to wait.
 */
async function startBusy(t: TestContext): Promise<{ proxy: ProxyUnderTest; finish: () => void; seen: string[] }> {
  const seen: string[] = [];
  const events = new EventEmitter();
  let finish = () => {};
  const upstream = await startUpstream(t, ({ url = "" }, response) => {
    seen.push(url);
    if (url === "/first") {
      finish = () => response.end("first");
      events.emit("first");
    } else response.end(url);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { upstream: { maxConnections: 1, maxWaiting: 1 } });
  const arrived = once(events, "first");
  const first = open(proxy.port, { path: "/first" });
  first.on("error", () => {}).on("response", (response) => response.resume());
  first.end();
  await arrived;
  return { proxy, finish: () => finish(), seen };
}

for (const [how, leave] of [
  ["closes its connection", "destroy"],
  ["resets its connection", "resetAndDestroy"],
] as const) {
  test(`T-47 a caller that waits for a connection and ${how} frees its place at once`, async (t) => {
    const { proxy, finish, seen } = await startBusy(t);
    for (let i = 0; i < 3; i += 1) {
      const waiting = await openSocket(proxy.port);
      waiting.write(`GET /left HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
      await proxy.until(IN_FLIGHT, 2);
      assert.equal(refusalOf(await call(proxy.port)).code, "UPSTREAM_BUSY");
      waiting[leave]();
      await proxy.until(LEFT, i + 1);
    }

    const patient = call(proxy.port, { path: "/patient" });
    await proxy.until(IN_FLIGHT, 2);
    finish();

    assert.equal((await patient).body.toString(), "/patient");
    assert.deepEqual(seen, ["/first", "/patient"]);
  });
}

test("T-47 an HTTP/2 caller that waits for a stream and resets its own frees its place at once", async (t) => {
  let finish = () => {};
  const events = new EventEmitter();
  const upstream = await startHttp2Upstream(
    t,
    (stream, headers) => {
      if (headers[":path"] !== "/first") {
        stream.respond({ ":status": 200 }, { endStream: true });
        return;
      }
      finish = () => stream.respond({ ":status": 200 }, { endStream: true });
      events.emit("first");
    },
    { settings: { maxConcurrentStreams: 1 } },
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { upstream: { maxWaiting: 1 }, http2: { maxSessions: 1 } });
  const session = openSession(t, proxy.port);
  const arrived = once(events, "first");
  const first = callHttp2(session, { ":path": "/first" });
  await arrived;

  for (let i = 0; i < 3; i += 1) {
    const waiting = session.request(head({ ":path": "/left" }));
    waiting.on("error", () => {});
    await proxy.until(IN_FLIGHT, 2);
    assert.equal((await callHttp2(session)).headers["fenceline-error"], "UPSTREAM_BUSY");
    waiting.close(8);
    await proxy.until(LEFT, i + 1);
  }

  const patient = callHttp2(session, { ":path": "/patient" });
  await proxy.until(IN_FLIGHT, 2);
  finish();
  assert.deepEqual([(await first).status, (await patient).status], [200, 200]);
});

for (const [what, request] of [
  ["an upload", `POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nContent-Length: 1000000000\r\n\r\n`],
  ["a WebSocket", upgradeRequest()],
] as const) {
  test(`T-47 a caller that resets ${what} which its destination does not take frees its place`, async (t) => {
    const asked = Promise.withResolvers<Socket>();
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => {
        asked.resolve(socket.pause());
        if (what !== "an upload") socket.write(SWITCH);
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const caller = await openSocket(proxy.port);
    caller.write(request);
    await proxy.until(IN_FLIGHT, 1);
    const piece = Buffer.alloc(1024 * 1024);
    // Until neither kernel nor proxy takes more.
    while (await taken(caller, piece));

    caller.resetAndDestroy();

    await proxy.until(IN_FLIGHT, 0);
    // Nor does the destination hear of it before it reads.
    const destination = (await asked.promise).resume();
    if (!destination.destroyed) await new Promise((resolve) => destination.once("close", resolve));
  });
}

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** Whether a piece is taken within half a second. */
function taken(socket: Socket, piece: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 500, false);
    socket.write(piece, () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
