/** Bodies cut into the smallest pieces: what they cost must go by their bytes. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const PIECES = 20_000;
const CHUNKS = "1\r\nx\r\n".repeat(PIECES);
/** Pieces that may be passed on at most: one for each read, which brings thousands of chunks. */
const FEW = PIECES / 50;
const HEAD = `HTTP/1.1\r\nHost: ${SERVICE}\r\n`;

/** Lines that are a chunk's size. */
function sizesIn(text: string): readonly string[] {
  return text.match(/^[1-9a-f][\da-f]*\r$/gm) ?? [];
}

test("T-10 the chunks of an answer that come in one read go on as one", async (t) => {
  const asked = Promise.withResolvers<Socket>();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      asked.resolve(socket);
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  client.write(`GET / ${HEAD}\r\n`);
  // Behind it nothing is held back for the header's sake.
  await readUntil(client, "\r\n\r\n");

  (await asked.promise).write(`${CHUNKS}0\r\n\r\n`);
  const body = await readUntil(client, "\r\n0\r\n\r\n");

  assert.equal(body.match(/x/g)?.length, PIECES);
  assert.ok(sizesIn(body).length < FEW, `${sizesIn(body).length} chunks`);
});
