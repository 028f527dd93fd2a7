import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { until } from "@fenceline/api/testing";
import fc from "fast-check";
import { cut, FRAME, frame, PREFACE } from "../testing/frames.ts";
import { PacedSocket } from "./paced-socket.ts";
import { DATA_A_TURN, DATA_AT_ONCE, STREAMS_A_TURN, STREAMS_OF_A_CONNECTION, StreamPace } from "./stream-pace.ts";

/** A connection whose other side is paced. */
async function connected(t: Pick<TestContext, "after">, pace = new StreamPace(), dataPace = StreamPace.ofData()) {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  server.close();
  const paced = new PacedSocket(socket, pace, dataPace);
  paced.on("error", () => {});
  t.after(() => {
    client.destroy();
    paced.destroy();
  });
  return { client, socket, paced };
}

const FLOOD = Buffer.concat(Array.from({ length: 200 }, (_, index) => frame(FRAME.HEADERS, 4, 2 * index + 1, Buffer.from([0x82]))));
/** Writes more HEADERS than a paced socket takes in for a while. */
const flood = (client: Socket, pieces: number) => client.write(Buffer.concat([PREFACE, ...Array.from({ length: pieces }, () => FLOOD)]));

test("T-09 any frames in any pieces come out byte for byte, and no turn has more streams than it may", async (t) => {
  const payload = fc.uint8Array({ maxLength: 300 });
  const frames = fc.array(fc.tuple(fc.constantFrom(FRAME.HEADERS, FRAME.HEADERS, FRAME.DATA, FRAME.RST_STREAM), payload), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(frames, fc.array(fc.nat(), { maxLength: 10 }), async (sent, places) => {
      const { client, paced } = await connected(t);
      const heads: number[] = [];
      let length = PREFACE.length;
      for (const [type, { length: size }] of sent) {
        if (type === FRAME.HEADERS) heads.push(length + 3);
        length += 9 + size;
      }
      const bytes = Buffer.concat([PREFACE, ...sent.map(([type, each]) => frame(type, 0, 1, each))]);
      const came: Buffer[] = [];
      let seen = 0;
      let inTurn = 0;
      paced.on("data", (chunk: Buffer) => {
        came.push(chunk);
        if (inTurn === 0) setImmediate(() => (inTurn = 0));
        inTurn += heads.filter((head) => head >= seen && head < seen + chunk.length).length;
        seen += chunk.length;
        assert.ok(inTurn <= 2 * STREAMS_A_TURN);
      });
      paced.resume();
      const ended = once(paced, "end");
      for (const piece of cut(bytes, places)) {
        client.write(piece);
        await turn();
      }
      client.end();
      await ended;
      assert.deepEqual(Buffer.concat(came), bytes);
      assert.equal(paced.bytesRead, bytes.length);
      client.destroy();
      paced.destroy();
    }),
    { numRuns: 30 },
  );
});

test("T-09 what waits of a flood is no more than two reads, and the sender is held up", async (t) => {
  const { client, socket, paced } = await connected(t);
  let most = 0;
  paced.on("data", () => (most = Math.max(most, paced.heldBytes + socket.readableLength)));
  paced.resume();
  let sent = 0;
  client.write(PREFACE);
  while (sent < 5_000 && client.write(FLOOD)) sent++;
  for (let turns = 0; turns < 500; turns++) await turn();
  assert.ok(most > 0 && most <= 2 * 65_536, `${most} bytes waited`);
  assert.ok(paced.heldBytes > 0);
});

test("T-09 DATA of another connection passes at once while the streams of a flood wait", async (t) => {
  const pace = new StreamPace();
  const evil = await connected(t, pace);
  const honest = await connected(t, pace);
  evil.paced.resume();
  const chunks: Buffer[] = [];
  honest.paced.on("data", (chunk: Buffer) => chunks.push(chunk));
  honest.paced.resume();
  honest.client.write(PREFACE);
  await until(() => chunks.length > 0);
  chunks.length = 0;
  flood(evil.client, 400);
  await until(() => evil.paced.heldBytes > 0);
  const data = frame(FRAME.DATA, 0, 1, Buffer.alloc(1_000));
  honest.client.write(data);
  // In the very callback of the read: nothing waits for a turn.
  await once(honest.socket, "data");
  assert.deepEqual([Buffer.concat(chunks).length, honest.paced.heldBytes], [data.length, 0]);
  assert.ok(evil.paced.heldBytes > 0, "the flood was over before");
});

test("T-09 of DATA frames, however small and on however many connections, no turn passes on more than it may, and none is lost", async (t) => {
  const dataPace = StreamPace.ofData();
  const all = await Promise.all(Array.from({ length: 20 }, () => connected(t, undefined, dataPace)));
  const small = frame(FRAME.DATA, 0, 1, Buffer.from([7]));
  const sent = Buffer.concat([PREFACE, ...Array.from({ length: 1_000 }, () => small)]);
  let bytes = 0;
  let inTurn = 0;
  let most = 0;
  const came = all.map(() => [] as Buffer[]);
  for (const [index, { client, paced }] of all.entries()) {
    paced.on("data", (chunk: Buffer) => {
      came[index]?.push(chunk);
      if (inTurn === 0) setImmediate(() => (inTurn = 0));
      bytes += chunk.length;
      inTurn += chunk.length;
      most = Math.max(most, inTurn);
    });
    paced.resume();
    client.write(sent);
  }
  await until(() => bytes === all.length * sent.length);
  // A queue is worked on in the check phase, behind what was read in the same turn.
  assert.ok(
    most <= 2 * (DATA_A_TURN + DATA_AT_ONCE) * small.length + all.length * PREFACE.length,
    `${most / small.length} frames in a turn`,
  );
  for (const chunks of came) assert.ok(Buffer.concat(chunks).equals(sent));
});

test("T-09 a connection with one DATA frame goes ahead of those that flood with them", async (t) => {
  const dataPace = StreamPace.ofData();
  const floods = await Promise.all(Array.from({ length: 20 }, () => connected(t, undefined, dataPace)));
  const honest = await connected(t, undefined, dataPace);
  let flooded = 0;
  const small = Buffer.concat(Array.from({ length: 20_000 }, () => frame(FRAME.DATA, 0, 1, Buffer.from([7]))));
  const tell = Promise.withResolvers<void>();
  honest.paced.on("data", (chunk: Buffer) => chunk.length > 900 && tell.resolve()).resume();
  honest.client.write(PREFACE);
  for (const { client, paced } of floods) {
    paced.on("data", ({ length }: Buffer) => (flooded += length)).resume();
    client.write(Buffer.concat([PREFACE, small]));
  }
  await until(() => flooded > 100_000);
  const before = flooded;
  honest.client.write(frame(FRAME.DATA, 0, 1, Buffer.alloc(1_000)));
  await tell.promise;
  const ahead = (flooded - before) / 10;
  assert.ok(ahead <= 6 * DATA_A_TURN, `${ahead} frames of the flood went ahead`);
  assert.ok(
    floods.every(({ paced }) => paced.heldBytes > 0),
    "the flood was over before",
  );
});

test("T-09 a connection that ends while its DATA waits is told of its end once", async (t) => {
  const dataPace = StreamPace.ofData();
  const all = await Promise.all(Array.from({ length: 10 }, () => connected(t, undefined, dataPace)));
  const told = all.map(() => 0);
  const small = Buffer.concat(Array.from({ length: 20_000 }, () => frame(FRAME.DATA, 0, 1, Buffer.from([7]))));
  for (const [index, { client, paced }] of all.entries()) {
    paced.on("close", () => (told[index] = (told[index] ?? 0) + 1)).resume();
    client.write(Buffer.concat([PREFACE, small]));
  }
  await until(() => all.every(({ paced }) => paced.heldBytes > 0));
  for (const { client } of all) client.resetAndDestroy();
  await until(() => told.every((count) => count > 0));
  for (let turns = 0; turns < 50; turns++) await turn();
  assert.deepEqual(
    told,
    all.map(() => 1),
  );
});

test("T-09 a session that reads no more holds up its sender, and reads on where it stopped", async (t) => {
  const { client, socket, paced } = await connected(t);
  const bytes = Buffer.concat([PREFACE, frame(FRAME.DATA, 0, 1, Buffer.alloc(4_000_000, 7))]);
  const came: Buffer[] = [];
  paced.on("data", (chunk: Buffer) => came.push(chunk));
  paced.resume();
  client.write(bytes.subarray(0, 1_000));
  await until(() => came.length > 0);
  paced.pause();
  client.end(bytes.subarray(1_000));
  for (let turns = 0; turns < 200; turns++) await turn();
  assert.ok(socket.bytesRead < 500_000, `${socket.bytesRead} bytes were read for nobody`);
  const ended = once(paced, "end");
  paced.resume();
  await ended;
  assert.ok(Buffer.concat(came).equals(bytes));
});

test("T-09 connections that begin or end all at once are told of few in a turn, and all of them are", async (t) => {
  const pace = new StreamPace();
  const all = await Promise.all(Array.from({ length: 40 }, () => connected(t, pace)));
  const told = { data: 0, end: 0, close: 0 };
  let inTurn = 0;
  let most = 0;
  for (const { paced } of all)
    for (const event of ["data", "end", "close"] as const)
      paced.on(event, () => {
        told[event]++;
        if (inTurn === 0) setImmediate(() => (inTurn = 0));
        most = Math.max(most, ++inTurn);
      });
  for (const { client } of all) client.write(PREFACE);
  await turn();
  for (const { paced } of all) paced.resume();
  await until(() => told.data === all.length);
  const half = all.length / 2;
  for (const [index, { client }] of all.entries()) {
    if (index < half) client.end();
    else client.resetAndDestroy();
  }
  await until(() => told.end === half && told.close === half);
  assert.ok(most <= (2 * STREAMS_A_TURN) / STREAMS_OF_A_CONNECTION, `${most} in a turn`);
});

test("what a session writes waits while the client does not read, and its end comes behind all of it", async (t) => {
  const { client, paced } = await connected(t);
  client.pause();
  let written = 0;
  const drained = Promise.withResolvers<void>();
  while (written < 200 && paced.write(Buffer.alloc(65_536, written), () => drained.resolve())) written++;
  assert.ok(written < 200, "nothing held up the writer");
  let got = 0;
  client.on("data", (chunk: Buffer) => (got += chunk.length)).resume();
  await drained.promise;
  const ended = once(client, "end");
  paced.write(Buffer.alloc(10), () => {});
  paced.end(() => {});
  await ended;
  assert.equal(got, (written + 1) * 65_536 + 10);
});

test("the end of either side is the end of the other, and errors are told", async (t) => {
  const first = await connected(t);
  first.paced.destroy();
  await once(first.client.resume(), "end");
  assert.equal(first.socket.destroyed, true);

  const second = await connected(t);
  const failed = once(second.paced, "error");
  second.paced.resume();
  second.client.resetAndDestroy();
  assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  assert.equal(second.paced.destroyed, true);

  const third = await connected(t);
  third.paced.resume();
  flood(third.client, 20);
  await until(() => third.paced.heldBytes > 0);
  third.paced.destroy();
  assert.equal(third.paced.heldBytes, 0);
  await until(() => third.client.destroyed || third.socket.destroyed);
});
