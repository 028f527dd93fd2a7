import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { framed } from "@fenceline/wire/testing/frames";
import { encodeAccessLogMessage } from "../src/encode/message.ts";
import { createAccessLogServer, type ServerLimits } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { type RawHttp2, rawHttp2 } from "../src/testing/http2-client.ts";

const OK = 0;
const RESOURCE_EXHAUSTED = 8;
const CERTIFICATE = { "x-forwarded-client-cert": "By=spiffe://c;Hash=1;URI=spiffe://cluster.local/ns/honest/sa/x" };
/** An address may open 20 streams at once, and hardly another one after that. */
const FEW = { maxStreamsPerPeer: 10, streamRate: 0.001 };

async function start(t: TestContext, limits: Partial<ServerLimits> = {}) {
  const sink = new CollectingSink();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, limits });
  t.after(() => server.close(0));
  return { sink, server };
}

const message = (authority: string) =>
  framed(encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "n" } }, entries: [{ authority }] }));

/** So many streams one after the other, and how each of them ended. */
async function openAndEnd(client: RawHttp2, count: number): Promise<(number | undefined)[]> {
  const ends: (number | undefined)[] = [];
  for (let index = 0; index < count && !client.session.destroyed; index += 1) {
    const { stream, status } = client.call();
    stream.end(message("flood"));
    ends.push(await status);
  }
  return ends;
}

test("T-09 an address has one rate of new streams, over however many connections it opens them", async (t) => {
  const { server, sink } = await start(t, { ...FEW, streamBurst: 512 });
  const ends = (await Promise.all(Array.from({ length: 10 }, () => openAndEnd(rawHttp2(t, server.port), 40)))).flat();
  const taken = ends.filter((end) => end === OK).length;
  // Its 20, and the few which are sure of each of ten connections; these are one a second more.
  assert.ok(taken >= 60 && taken < 200, `${taken} streams were taken`);
  assert.equal(ends.filter((end) => end === RESOURCE_EXHAUSTED).length, 400 - taken);
  assert.deepEqual(sink.limits, { stream_rate: 400 - taken });
});

test("T-09 a connection that comes when its address has used up its new streams may open one all the same", async (t) => {
  const { server, sink } = await start(t, FEW);
  await openAndEnd(rawHttp2(t, server.port), 60);
  const { stream, status } = rawHttp2(t, server.port).call();
  stream.end(message("newcomer"));
  assert.equal(await status, OK);
  assert.ok(sink.authorities.includes("newcomer"));
});

test("T-10 new streams beyond the rate are refused, and the streams that are open on their connection go on", async (t) => {
  const { server, sink } = await start(t, { streamBurst: 10, streamRate: 0.001 });
  const client = rawHttp2(t, server.port);
  const { stream } = client.call();
  stream.write(message("before"));
  const ends = await openAndEnd(client, 200);
  assert.deepEqual([...new Set(ends)], [OK, RESOURCE_EXHAUSTED]);
  stream.write(message("after"));
  await sink.until(() => sink.authorities.includes("after"));
  assert.deepEqual([sink.limits, client.session.closed, stream.closed], [{ stream_rate: 191 }, false, false]);
});

test("T-10 a connection that goes on when even the refusals are too many is cut, but for one that a sidecar shares among peers", async (t) => {
  const { server, sink } = await start(t, FEW);
  const shared = rawHttp2(t, server.port);
  const { stream } = shared.call(CERTIFICATE);
  stream.write(message("before"));
  await sink.until(() => sink.authorities.includes("before"));

  const alone = rawHttp2(t, server.port);
  assert.ok((await openAndEnd(alone, 20_000)).length < 20_000);
  await alone.closed;

  assert.equal((await openAndEnd(shared, 2_000)).at(-1), RESOURCE_EXHAUSTED);
  stream.write(message("after"));
  await sink.until(() => sink.authorities.includes("after"));
  assert.deepEqual([shared.session.closed, stream.closed], [false, false]);
});

test("T-09 an address has a rate of new connections, so that one that is cut and comes again is closed before any work is done for it", async (t) => {
  const { server, sink } = await start(t, { maxConnectionsPerAddress: 3, connectionRate: 0.001 });
  const kept = rawHttp2(t, server.port);
  const { stream } = kept.call();
  stream.write(message("before"));
  await sink.until(() => sink.authorities.includes("before"));
  for (let count = 0; count < 10; count += 1) {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.destroy();
    while (server.connections > 1) await turn();
  }
  stream.write(message("after"));
  await sink.until(() => sink.authorities.includes("after") && (sink.limits.address_connections ?? 0) >= 5);
});

test("T-09 2,000 honest streams of one address that come at once, and again when all of them were ended, are taken whole", async (t) => {
  const { server, sink } = await start(t);
  for (const round of [1, 2]) {
    const clients = Array.from({ length: 20 }, () => rawHttp2(t, server.port));
    for (const [index, client] of clients.entries())
      for (let count = 0; count < 100; count += 1) client.call().stream.write(message(`${round}-${index}-${count}`));
    await sink.until(() => sink.all.length === 2_000 * round);
    assert.deepEqual([sink.limits, server.streams, new Set(sink.authorities).size], [{}, 2_000, 2_000 * round]);
    for (const { session } of clients) session.destroy();
    while (server.streams > 0) await turn();
  }
});
