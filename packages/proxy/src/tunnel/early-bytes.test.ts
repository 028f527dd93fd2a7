import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readToEnd, readUntil } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startRawUpstream } from "../testing/upstream.ts";
import { upgradeRequest } from "../testing/web-socket.ts";
import { EarlyBytes } from "./early-bytes.ts";

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const SMUGGLED = `GET /admin HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;

test("E1-12 what the client sends before the 101 reaches the destination after it, and what came with the 101 reaches the client", async (t) => {
  let received = "";
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", (chunk) => {
      const before = received;
      received += chunk.toString("latin1");
      if (before === "" && received.endsWith("\r\n\r\n")) socket.write(`${SWITCH}first`);
      if (received.endsWith("early later")) socket.write("done");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(`${upgradeRequest()}early`);
  const answer = await readUntil(socket, "first");
  socket.write(" later");
  await readUntil(socket, "done");

  assert.equal(answer, `${SWITCH}first`);
  assert.ok(received.endsWith("\r\n\r\nearly later"));
  socket.destroy();
});

test("E1-12 bytes behind an upgrade that is not answered by 101 never reach the destination", async (t) => {
  const received: string[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", (chunk) => {
      received.push(chunk.toString("latin1"));
      socket.write("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(`${upgradeRequest()}${SMUGGLED}`);
  const answer = await readToEnd(socket);

  assert.match(answer, /^HTTP\/1\.1 426 .*\r\n\r\nno$/s);
  assert.equal(received.length, 1);
  assert.doesNotMatch(received.join(""), /admin/);
});

test("E1-12 of what comes before the 101 only so much is taken, and nothing of it is lost", async (t) => {
  const total = 8 * 1024 * 1024;
  let length = 0;
  const arrived = Promise.withResolvers<Socket>();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => {
      arrived.resolve(socket);
      socket.on("data", (chunk) => {
        length += chunk.length;
        if (length === total) socket.end("all");
      });
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  socket.write(upgradeRequest());
  socket.write(Buffer.alloc(total));

  (await arrived.promise).write(SWITCH);

  assert.ok((await readUntil(socket, "all")).startsWith(SWITCH));
  assert.equal(length, total);
  socket.destroy();
});

test("E1-12 a client that sends on and on is not read from any more", async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const server = await startRawUpstream(t, (socket) => accepted.resolve(socket));
  const client = await openSocket(server.port);
  const held = new EarlyBytes(await accepted.promise, Buffer.alloc(0), () => {});

  client.write(Buffer.alloc(8 * 1024 * 1024));
  await once(await accepted.promise, "pause");

  assert.ok(Buffer.concat(held.take()).length < 256 * 1024);
  client.destroy();
});
