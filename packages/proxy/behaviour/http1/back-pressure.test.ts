import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { open, openSocket } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";

const TOTAL = 64 * 1024 * 1024;
/** What kernel and stream buffers of both connections may hold; far below the total. */
const BUFFERED_AT_MOST = 16 * 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, "x");

test("E1-15 a client that does not read stops the destination; once it reads, all arrives", async (t) => {
  let written = 0;
  let stalled = () => {};
  const stall = new Promise<void>((resolve) => {
    stalled = resolve;
  });
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { "content-length": TOTAL });
    const pump = () => {
      while (written < TOTAL) {
        written += BLOCK.length;
        if (!response.write(BLOCK)) {
          // Nothing drains for a while: everybody on the way has stopped.
          const quiet = setTimeout(stalled, 300);
          response.once("drain", () => {
            clearTimeout(quiet);
            pump();
          });
          return;
        }
      }
      response.end();
    };
    pump();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, {});
  outgoing.end();
  const [incoming]: IncomingMessage[] = await once(outgoing, "response");
  await stall;
  assert.ok(written < BUFFERED_AT_MOST, `${written} bytes were taken from the destination`);

  let received = 0;
  for await (const chunk of incoming ?? []) received += chunk.length;
  assert.equal(received, TOTAL);
});

test("E1-15 a destination that does not read stops the client; once it reads, all arrives unchanged", async (t) => {
  const hash = createHash("sha256");
  let release = () => {};
  const upstream = await startUpstream(t, (request, response) => {
    release = () => {
      request.on("data", (chunk) => hash.update(chunk)).on("end", () => response.end(hash.digest("hex")));
    };
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const expected = createHash("sha256");

  const outgoing = open(proxy.port, { method: "POST", headers: { "content-length": String(TOTAL) } });
  let written = 0;
  const stall = new Promise<void>((resolve) => {
    const pump = () => {
      while (written < TOTAL) {
        expected.update(BLOCK);
        written += BLOCK.length;
        if (!outgoing.write(BLOCK)) {
          const quiet = setTimeout(resolve, 300);
          outgoing.once("drain", () => {
            clearTimeout(quiet);
            pump();
          });
          return;
        }
      }
      outgoing.end();
    };
    pump();
  });
  await stall;
  assert.ok(written < BUFFERED_AT_MOST, `${written} bytes were taken from the client`);

  release();
  const [incoming]: IncomingMessage[] = await once(outgoing, "response");
  assert.equal(Buffer.concat((await incoming?.toArray()) ?? []).toString(), expected.digest("hex"));
});

test("E1-18 B2.1-03 a client that leaves while it is being waited for frees the destination", async (t) => {
  let closed = () => {};
  const closing = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("close", () => closed());
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL}\r\n\r\n`);
      const pump = () => {
        while (socket.writable && socket.write(BLOCK));
        socket.once("drain", pump);
      };
      pump();
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const socket = await openSocket(proxy.port);
  socket.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  await once(socket, "data");
  socket.destroy();

  await closing;
});
