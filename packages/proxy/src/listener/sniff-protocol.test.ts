import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readToEnd, readUntil } from "../testing/client.ts";
import { FLAG, FrameSocket, frame, PREFACE, requestFields, TYPE } from "../testing/frames.ts";
import { startHttp2Upstream } from "../testing/http2.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";
import { ProtocolSniffer } from "./sniff-protocol.ts";

/**
 * Writes each byte in a segment of its own: the next one leaves when the one before was taken by
 * the kernel.
 */
async function writeByteByByte(socket: Socket, bytes: Buffer): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of bytes) await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => setImmediate(resolve)));
}

const REQUEST = Buffer.concat([
  PREFACE,
  frame(TYPE.SETTINGS, FLAG.NONE, 0),
  frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, requestFields()),
]);

test("E1-13 the HTTP/2 preface is known when it comes byte by byte, and nothing is lost", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond();
    stream.end("found");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  t.after(() => socket.destroy());
  const frames = new FrameSocket(socket, 0);

  await writeByteByByte(socket, REQUEST);

  assert.equal((await frames.expect(TYPE.DATA, 1)).payload.toString(), "found");
});

test("E1-13 the HTTP/2 preface is known when it comes in one piece with the first request", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond();
    stream.end("found");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  t.after(() => socket.destroy());
  const frames = new FrameSocket(socket, 0);

  socket.write(REQUEST);

  assert.equal((await frames.expect(TYPE.DATA, 1)).payload.toString(), "found");
});

for (const method of ["GET", "POST", "PATCH", "PRIVATE"]) {
  test(`an HTTP/1.1 request with ${method} that comes byte by byte is no HTTP/2`, async (t) => {
    const upstream = await startUpstream(t, (request, response) => response.end(request.method));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);
    const answer = readUntil(socket, "\r\n\r\n");

    await writeByteByByte(socket, Buffer.from(`${method} / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`));

    // llhttp knows the registered methods only, and PRIVATE shares its first three letters with the
    // preface.
    assert.match(await answer, method === "PRIVATE" ? /^HTTP\/1.1 400/ : /^HTTP\/1.1 200/);
    socket.destroy();
  });
}

test("E1-13 `Upgrade: h2c` is ignored: the answer comes by HTTP/1.1", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("plain"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  const answer = readUntil(socket, "plain");

  socket.write(
    `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
  );

  assert.match(await answer, /^HTTP\/1.1 200/);
  socket.destroy();
});

test("E1-15 a client that sends a part of the preface and no more is told so, and cut", async (t) => {
  const proxy = await startProxy(t, {}, { listener: { headersTimeout: 100 } });
  const socket = await openSocket(proxy.port);
  socket.write(PREFACE.subarray(0, 10));

  assert.match(await readToEnd(socket), /^HTTP\/1.1 408/);
});

test("a connection that says nothing does not hold up the end of the proxy", async (t) => {
  const proxy = await startProxy(t, {});
  const socket = await openSocket(proxy.port);
  const ended = readToEnd(socket);

  await proxy.sidecar.close();

  assert.equal(await ended, "");
});

test("a TLS ClientHello is known by its first byte: what is refused of it gets an alert", async (t) => {
  const proxy = await startProxy(t, {});
  const socket = await openSocket(proxy.port);
  socket.write(Buffer.from([0x16, 9, 9]));

  // Record type 21.
  assert.equal((await readToEnd(socket)).charCodeAt(0), 21);
});

test("a TLS ClientHello is handed over with nothing lost", async (t) => {
  const server = createServer();
  const taken = Promise.withResolvers<Socket>();
  const handlers = { http2: (socket: Socket) => void socket.destroy(), tls: (socket: Socket) => taken.resolve(socket) };
  const sniffer = new ProtocolSniffer(server, handlers, { headersTimeout: 1_000, idleTimeout: 1_000 });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    sniffer.close();
    server.close();
  });
  const address = server.address();
  const client = await openSocket(typeof address === "object" && address !== null ? address.port : 0);
  client.write(Buffer.from([0x16, 3, 1]));

  const socket = await taken.promise;
  client.end(Buffer.from([0, 5]));

  assert.deepEqual(Buffer.concat(await socket.toArray()), Buffer.from([0x16, 3, 1, 0, 5]));
  socket.destroy();
});
