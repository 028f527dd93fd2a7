/** What a client sends to keep node:http's parser busy must leave the event loop to others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentTurn } from "../../src/net/current-turn.ts";
import { openSocket, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const PIECES = 30_000;
const CHUNKS = "1\r\nx\r\n".repeat(PIECES);
const POST = `POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nTransfer-Encoding: chunked\r\n\r\n`;
/**
 * Chunks of two turns of the event loop, of which the upload makes one chunk. One read brings
 * 10,000, and libuv reads up to 32 times in a row.
 */
const MOST_CHUNKS = 1_200;
/** Requests of one turn: each of them does more. */
const MOST_REQUESTS = 100;

/** The largest chunk in a text of chunks. What comes of an upload in a turn goes on as one. */
function largestChunk(body: string): number {
  return Math.max(...(body.match(/^[1-9a-f][\da-f]*(?=\r$)/gm) ?? []).map((size) => Number.parseInt(size, 16)));
}

for (const [when, pauses] of [
  ["in one piece with its header", false],
  ["behind its header", true],
] as const) {
  test(`T-09 an upload in chunks of one byte that comes ${when} is read a few chunks in a turn, and whole`, async (t) => {
    const received = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const upstream = await startRawUpstream(t, (socket) => {
      let text = "";
      socket.on("data", (data) => {
        text += data.toString("latin1");
        begun.resolve();
        if (!text.endsWith("\r\n0\r\n\r\n")) return;
        received.resolve(text);
        socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);
    t.after(() => client.destroy());

    client.write(pauses ? POST : `${POST}${CHUNKS}0\r\n\r\n`);
    await begun.promise;
    if (pauses) client.write(`${CHUNKS}0\r\n\r\n`);
    const request = await received.promise;
    const body = request.slice(request.indexOf("\r\n\r\n"));

    assert.match(await readUntil(client, "\r\n\r\n"), /^HTTP\/1\.1 204 /);
    assert.equal(body.match(/x/g)?.length, PIECES);
    assert.ok(largestChunk(body) < MOST_CHUNKS, `${largestChunk(body)} chunks in a turn`);
  });
}

test("T-09 requests that are refused at once are read a few in a turn, and each is answered", async (t) => {
  const turns: number[] = [];
  const resolver = {
    resolve() {
      turns.push(currentTurn());
      return undefined;
    },
  };
  const proxy = await startProxy(t, {}, { resolver });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  let answers = 0;
  const requests = 6_000;
  const answered = new Promise<void>((resolve) => {
    client.on("data", (data) => {
      answers += data.toString("latin1").match(/HTTP\/1\.1 /g)?.length ?? 0;
      if (answers >= requests) resolve();
    });
  });

  client.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`.repeat(requests));
  await answered;

  const most = Math.max(...Object.values(Object.groupBy(turns, (turn) => turn)).map((inTurn) => inTurn?.length ?? 0));
  assert.ok(most < MOST_REQUESTS, `${most} requests in a turn`);
});
