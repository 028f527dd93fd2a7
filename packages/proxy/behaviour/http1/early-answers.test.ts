import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const TRIES = 20;
const SIZE = 1_000_000;
const TOO_LARGE = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large";

/** A destination that does this once so many bytes of a request came, and reads no more. */
function startEarly(t: TestContext, after: number, answer: (socket: Socket) => void) {
  return startRawUpstream(t, (socket) => {
    let received = 0;
    socket.on("data", (chunk) => {
      const before = received;
      received += chunk.length;
      if (before >= after || received < after) return;
      socket.pause();
      answer(socket);
    });
  });
}

const BODIES: Record<string, string> = {
  "with Content-Length": `Content-Length: ${SIZE}\r\n\r\n${"a".repeat(SIZE)}`,
  chunked: `Transfer-Encoding: chunked\r\n\r\n${`1000\r\n${"a".repeat(4_096)}\r\n`.repeat(SIZE / 4_000)}0\r\n\r\n`,
  small: `Content-Length: 1000\r\n\r\n${"a".repeat(1_000)}`,
};

const CLOSES: Record<string, (socket: Socket) => void> = {
  "closes with the body unread": (socket) => socket.write(TOO_LARGE, () => socket.destroy()),
  "says that it closes, and does": (socket) =>
    socket.write(TOO_LARGE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), () => socket.destroy()),
  "answers in chunks and closes": (socket) =>
    socket.write("HTTP/1.1 413 Content Too Large\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntoo large\r\n0\r\n\r\n", () => socket.destroy()),
  "ends its side and closes": (socket) => socket.end("HTTP/1.1 413 Content Too Large\r\n\r\ntoo large", () => socket.destroy()),
};

for (const [how, answer] of Object.entries(CLOSES)) {
  for (const [form, body] of Object.entries(BODIES)) {
    for (const after of form === "small" ? [1] : [1, 65_536]) {
      test(`T-36 a destination that ${how} after ${after} bytes of a request (${form}) is heard`, async (t) => {
        const upstream = await startEarly(t, after, answer);
        const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
        for (let i = 0; i < TRIES; i += 1) {
          const client = await openSocket(proxy.port);
          client.write(`POST / HTTP/1.1\r\nHost: ${SERVICE}\r\n${body}`);
          assert.match(await readUntil(client, "too large"), /^HTTP\/1\.1 413 /, `try ${i}`);
          client.destroy();
        }
      });
    }
  }
}

test("T-36 the same on a connection that was kept alive", async (t) => {
  let requests = 0;
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", (chunk) => {
      if (chunk.includes("GET ")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept");
      if (!chunk.includes("POST ")) return;
      requests += 1;
      socket.pause().write(TOO_LARGE, () => socket.destroy());
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  for (let i = 0; i < TRIES; i += 1) {
    const client = await openSocket(proxy.port);
    client.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
    await readUntil(client, "kept");
    client.write(`POST / HTTP/1.1\r\nHost: ${SERVICE}\r\n${BODIES.chunked}`);
    assert.match(await readUntil(client, "too large"), /^HTTP\/1\.1 413 /, `try ${i}`);
    client.destroy();
  }
  assert.equal(requests, TRIES);
});

test("T-36 a destination that resets without an answer gives 502 at once, whatever is left of the upload", async (t) => {
  const upstream = await startEarly(t, 1, (socket) => socket.resetAndDestroy());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  for (const body of Object.values(BODIES)) {
    const client = await openSocket(proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: ${SERVICE}\r\n${body}`);
    assert.match(await readUntil(client, "}\n"), /^HTTP\/1\.1 502 /);
    client.destroy();
  }
});

test("T-36 after an early answer the client's connection goes on: the rest of its upload runs off", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", (chunk) => {
      if (chunk.includes("GET ")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext");
      if (chunk.includes("POST ")) socket.pause().write(TOO_LARGE, () => socket.destroy());
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);

  client.write(`POST / HTTP/1.1\r\nHost: ${SERVICE}\r\n${BODIES.chunked}GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);

  assert.match(await readUntil(client, "next"), /^HTTP\/1\.1 413 .*HTTP\/1\.1 200 /s);
  client.destroy();
});
