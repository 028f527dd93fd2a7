import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const TOTAL = 64 * 1024 * 1024;
/** What kernel and stream buffers of both connections may hold; far below the total. */
const BUFFERED_AT_MOST = 16 * 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, "x");

/**
 * Writes all there is to a socket, and ends it.
 *
 * @returns what was written by the time that nothing drains any more, or all was written
 */
function flood(socket: Socket): Promise<number> {
  let written = 0;
  return new Promise((resolve) => {
    const pump = () => {
      while (written < TOTAL) {
        written += BLOCK.length;
        if (!socket.write(BLOCK)) {
          // Nothing drains for a while: everybody on the way has stopped.
          const quiet = setTimeout(() => resolve(written), 300);
          socket.once("drain", () => {
            clearTimeout(quiet);
            pump();
          });
          return;
        }
      }
      socket.end();
      resolve(written);
    };
    pump();
  });
}

async function countToEnd(socket: Socket): Promise<number> {
  let length = 0;
  for await (const chunk of socket) length += chunk.length;
  return length;
}

for (const [what, answer] of [
  ["in a tunnel", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["in an answer other than 101", `HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL}\r\n\r\n`],
] as const) {
  test(`E1-12 E1-15 a client that does not read stops the destination ${what}; once it reads, all arrives`, async (t) => {
    const accepted = Promise.withResolvers<Socket>();
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => accepted.resolve(socket));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);
    client.write(upgradeRequest());
    const destination = await accepted.promise;
    destination.write(answer);
    await readUntil(client, "\r\n\r\n");
    client.pause();

    const written = await flood(destination);

    assert.ok(written < BUFFERED_AT_MOST, `${written} bytes were taken from the destination`);
    assert.equal(await countToEnd(client), TOTAL);
  });
}

test("E1-12 E1-15 a destination that does not read stops the client; once it reads, all arrives", async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => accepted.resolve(socket.pause()));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  client.write(upgradeRequest());
  const destination = await accepted.promise;
  destination.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  await readUntil(client, "\r\n\r\n");

  const written = await flood(client);

  assert.ok(written < BUFFERED_AT_MOST, `${written} bytes were taken from the client`);
  assert.equal(await countToEnd(destination), TOTAL);
});
