import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { call, openSocket, readToEnd, readUntil } from "../testing/client.ts";
import { clientHello, inRecords, serverName } from "../testing/client-hello.ts";
import { head, openSession, startHttp2Upstream } from "../testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream } from "../testing/upstream.ts";
import { startEchoServer, upgradeRequest } from "../testing/web-socket.ts";

const HOST = `Host: ${SERVICE}\r\n`;
const LEFT = 'fenceline_proxy_requests_total{outcome="CLIENT_GONE"}';

/** A destination whose answers the test gives. */
async function startHeld(t: TestContext): Promise<{ port: number; next: () => Promise<ServerResponse> }> {
  const held: ServerResponse[] = [];
  const events = new EventEmitter();
  const { port } = await startUpstream(t, (request, response) => {
    request.resume();
    held.push(response);
    events.emit("request");
  });
  return {
    port,
    async next() {
      while (held.length === 0) await once(events, "request");
      return held.shift() ?? assert.fail();
    },
  };
}

/** Resolves when the proxy has read what came before. */
async function afterwards(proxy: ProxyUnderTest): Promise<void> {
  await call(proxy.port, { host: "none.bookinfo" });
}

for (const [what, request] of [
  ["GET", `GET / HTTP/1.1\r\n${HOST}\r\n`],
  ["GET with Connection: close", `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
  ["GET in HTTP/1.0", `GET / HTTP/1.0\r\n${HOST}\r\n`],
  ["POST", `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`],
] as const) {
  test(`T-48 a client that ends its side behind ${what} gets its answer, and its connection is closed then`, async (t) => {
    const upstream = await startHeld(t);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);

    socket.end(request);
    const answer = readToEnd(socket);
    const response = await upstream.next();
    await afterwards(proxy);
    response.end("answer");

    assert.match(await answer, /^HTTP\/1\.1 200 .*answer/s);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
    assert.equal(await proxy.metric(LEFT), 0);
  });
}

test("T-48 a client that ends its side behind pipelined requests gets all of its answers in order", async (t) => {
  const upstream = await startHeld(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.end(`GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(3));
  const answers = readToEnd(socket);
  for (const body of ["first", "second", "third"]) {
    const response = await upstream.next();
    await afterwards(proxy);
    response.end(body);
  }

  assert.deepEqual((await answers).match(/first|second|third/g), ["first", "second", "third"]);
});

test("T-48 a client that ends its side in the midst of an answer gets the rest of it, as long as it goes on", async (t) => {
  const upstream = await startHeld(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { halfClosedTimeout: 500 } });
  const socket = await openSocket(proxy.port);

  socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  const response = await upstream.next();
  response.write("beginning ");
  const begun = await readUntil(socket, "beginning ");
  socket.end();
  const rest = readToEnd(socket);
  // For longer than the patience with an answer that does not go on.
  for (let i = 0; i < 10; i += 1) {
    await pause(100);
    response.write("more ");
  }
  response.end("end");

  assert.match(begun + (await rest), /beginning .*end\r\n0\r\n\r\n$/s);
});

test("T-48 a client that ends its side in the midst of an answer that does not go on is taken to have gone, and sees it broken off", async (t) => {
  const upstream = await startHeld(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { halfClosedTimeout: 100 } });
  const socket = await openSocket(proxy.port);

  socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  const response = await upstream.next();
  const closed = once(response, "close");
  response.write("beginning ");
  await readUntil(socket, "beginning ");
  socket.end();

  assert.doesNotMatch(await readToEnd(socket), /0\r\n\r\n$/);
  await closed;
});

for (const leave of ["destroy", "resetAndDestroy"] as const) {
  test(`T-48 a client that has gone (${leave}) before its answer began ends its request at the destination`, async (t) => {
    const closed: Promise<unknown>[] = [];
    const events = new EventEmitter();
    const upstream = await startRawUpstream(t, (socket) => {
      closed.push(once(socket, "close"));
      socket.once("data", () => events.emit("request"));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { halfClosedTimeout: 100 } });
    const socket = await openSocket(proxy.port);
    const arrived = once(events, "request");
    socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await arrived;

    socket[leave]();

    await Promise.all(closed);
    await proxy.until(LEFT, 1);
    assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
  });

  test(`T-48 a client that has gone (${leave}) in the midst of its answer ends the answer at the destination by the first bytes that come`, async (t) => {
    const upstream = await startHeld(t);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);
    socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    const response = await upstream.next();
    const closed = once(response, "close");
    response.write("beginning ");
    await readUntil(socket, "beginning ");

    socket[leave]();
    const more = setInterval(() => response.write("more "), 10);
    t.after(() => clearInterval(more));
    await closed;

    assert.equal(response.writableFinished, false);
    await proxy.until("fenceline_proxy_requests_in_flight", 0);
  });
}

test("T-48 a client that ends its side behind an upgrade has its tunnel, with the end passed on", async (t) => {
  const upstream = await startEchoServer(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  socket.end(upgradeRequest());
  // The echo server ends its side when the client's end comes.
  assert.match(await readToEnd(socket), /^HTTP\/1\.1 101 /);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("T-48 a client that ends its side behind an upgrade that is not granted gets the answer", async (t) => {
  const upstream = await startHeld(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  socket.end(upgradeRequest());
  const answer = readToEnd(socket);
  const response = await upstream.next();
  await afterwards(proxy);
  response.end("no");
  assert.match(await answer, /^HTTP\/1\.1 200 .*no/s);
});

test("T-48 a TLS client that ends its side behind its hello gets what the destination says", async (t) => {
  const hello = inRecords(clientHello([serverName(SERVICE)]));
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => setImmediate(() => socket.end("through")));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  socket.end(hello);
  assert.equal(await readToEnd(socket), "through");
});

test("T-48 HTTP/2: the end of a stream is not the end of its client, the end of the connection is", async (t) => {
  const events = new EventEmitter();
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.on("close", () => events.emit("closed"));
    events.emit("stream");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const session = openSession(t, proxy.port);
  const arrived = once(events, "stream");
  // END_STREAM with the header.
  const stream = session.request(head(), { endStream: true });
  stream.on("error", () => {});
  await arrived;
  await afterwards(proxy);
  assert.equal(await proxy.metric(LEFT), 0);

  const closed = once(events, "closed");
  session.destroy();
  await closed;
  await proxy.until(LEFT, 1);
});

test("T-48 Envoy, the measure of this proxy, takes the end of a client's side for its leaving and gives no answer", {
  skip: toolPath("envoy") === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it",
}, async (t) => {
  const upstream = await startHeld(t);
  const port = await startEnvoyTo(t, toolPath("envoy") ?? "envoy", upstream.port);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  const response = await upstream.next();
  const closed = once(response, "close");
  socket.end();
  assert.equal(await readToEnd(socket), "");
  await closed;
});
