import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { until } from "@fenceline/api/testing";
import { FALLBACK_LOG_NAME } from "@fenceline/api/vocabulary";
import { bearerToken, type CallerCheck, type CallerRefusal } from "@fenceline/wire";
import { framed } from "@fenceline/wire/testing/frames";
import { status } from "@grpc/grpc-js";
import { encodeAccessLogMessage } from "../encode/message.ts";
import { STREAM_V2, STREAM_V3 } from "../methods.ts";
import { createEdgeReporter } from "../reporter/edge-reporter.ts";
import { createAccessLogServer } from "../testing/access-log-server.ts";
import { CollectingSink } from "../testing/collecting-sink.ts";
import { rawHttp2 } from "../testing/http2-client.ts";
import { rawClient } from "../testing/raw-client.ts";

const FORGED: CallerRefusal = { code: "PERMISSION_DENIED", details: "not the global sidecar" };
const AWAY: CallerRefusal = { code: "UNAVAILABLE", details: "try again" };
const message = (authority: string, logName?: string) =>
  encodeAccessLogMessage({
    identifier: logName === undefined ? undefined : { logName, node: { id: "n" } },
    entries: [{ authority, fenceSource: "test1/a" }],
  });
const authorities = (sink: CollectingSink) => sink.all.map(({ authority }) => authority);

async function start(t: TestContext, fallbackCaller: CallerCheck) {
  const sink = new CollectingSink();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, fallbackCaller });
  const client = rawClient(server.port);
  t.after(async () => {
    client.close();
    await server.close(0);
  });
  return { sink, server, client };
}

test("T-01 a stream in the fallback's name is refused with the reason, in either version of the API, and its entries reach nobody", async (t) => {
  const { sink, client } = await start(t, () => FORGED);
  for (const path of [STREAM_V3, STREAM_V2]) {
    const stream = client.open(path);
    stream.write(message("b", FALLBACK_LOG_NAME));
    stream.write(message("c"));
    const error = await stream.ended;
    assert.deepEqual([error?.code, error?.details], [status.PERMISSION_DENIED, FORGED.details]);
  }
  assert.deepEqual([sink.all, sink.streams], [[], []]);
});

test("T-01 a stream of any other name is asked for nothing", async (t) => {
  const { sink, client } = await start(t, () => FORGED);
  const stream = client.open();
  stream.write(message("b", "fenceline/test1/a"));
  // A second identifier changes nothing: a stream cannot pass from one name to another.
  stream.write(message("c", FALLBACK_LOG_NAME));
  stream.end();
  assert.equal(await stream.ended, undefined);
  assert.deepEqual(authorities(sink), ["b", "c"]);
  assert.deepEqual(
    sink.streams.map(({ logName }) => logName),
    ["fenceline/test1/a"],
  );
});

test("T-01 while the caller is being looked at its messages wait, and then arrive in order, also those of a stream that has ended meanwhile", async (t) => {
  const verdict = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<void>();
  const { sink, client } = await start(t, () => {
    asked.resolve();
    return verdict.promise;
  });
  const stream = client.open();
  stream.write(message("a", FALLBACK_LOG_NAME));
  for (const authority of ["b", "c"]) stream.write(message(authority));
  stream.end();
  await asked.promise;
  assert.deepEqual(sink.all, []);
  verdict.resolve(undefined);
  assert.equal(await stream.ended, undefined);
  assert.deepEqual(authorities(sink), ["a", "b", "c"]);
});

test("T-01 a stream whose client leaves while it is looked at leaves nothing behind", async (t) => {
  const verdict = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<void>();
  const { sink, server, client } = await start(t, () => {
    asked.resolve();
    return verdict.promise;
  });
  const stream = client.open();
  stream.write(message("a", FALLBACK_LOG_NAME));
  await asked.promise;
  assert.ok(server.heldBytes > 0);
  stream.cancel();
  await stream.ended;
  const other = client.open();
  other.write(message("b", "fenceline/test1/a"));
  other.end();
  await other.ended;
  verdict.resolve(undefined);
  await verdict.promise;
  assert.deepEqual([authorities(sink), server.heldBytes], [["b"], 0]);
});

test("T-01 a server that closes tells a stream it has not judged yet to go elsewhere", async (t) => {
  const asked = Promise.withResolvers<void>();
  const { server, client } = await start(t, () => {
    asked.resolve();
    return new Promise(() => {});
  });
  const stream = client.open();
  stream.write(message("a", FALLBACK_LOG_NAME));
  await asked.promise;
  await server.close(0);
  assert.equal((await stream.ended)?.code, status.UNAVAILABLE);
});

test("T-01 the reporter shows its token anew on each stream, and loses no edge to refusals", async (t) => {
  const verdicts = [AWAY, { ...FORGED, code: "UNAUTHENTICATED" } as const, undefined];
  const shown: (string | undefined)[] = [];
  const { sink, server } = await start(t, async (headers) => {
    shown.push(bearerToken(headers));
    return verdicts[shown.length - 1];
  });
  let asked = 0;
  const token = () => {
    asked += 1;
    if (asked === 1) throw new Error("no token yet");
    return `token-${asked}`;
  };
  const backoff = { first: 5, longest: 20 };
  const reasons: string[] = [];
  const onEvent = (event: { readonly type: string; readonly reason?: string }) => reasons.push(event.reason ?? event.type);
  const reporter = createEdgeReporter({ target: `127.0.0.1:${server.port}`, nodeId: "g", token, backoff, onEvent });
  t.after(() => reporter.close(0));
  const source = { namespace: "test1", name: "a" };
  for (const authority of ["a", "b", "c"]) reporter.report({ source, authority, responseCode: 200 });
  await sink.until(() => sink.all.length >= 3);
  assert.deepEqual(authorities(sink).sort(), ["a", "b", "c"]);
  assert.deepEqual(shown, ["token-2", "token-3", "token-4"]);
  assert.ok(reasons.includes("no token yet") && reasons.includes(AWAY.details) && reasons.includes(FORGED.details), reasons.join());
  assert.equal(reporter.stats().dropped, 0);
});

test("T-01 what was sent while the collector thinks is sent again when it refuses", async (t) => {
  const verdict = Promise.withResolvers<CallerRefusal>();
  let asked = 0;
  const { sink, server } = await start(t, () => {
    asked += 1;
    return asked === 1 ? verdict.promise : undefined;
  });
  const backoff = { first: 5, longest: 20 };
  const reporter = createEdgeReporter({ target: `127.0.0.1:${server.port}`, nodeId: "g", token: () => "t", backoff, flushIntervalMs: 1 });
  t.after(() => reporter.close(0));
  const source = { namespace: "test1", name: "a" };
  // One message after the other: each has left before the next edge is reported.
  for (let messages = 1; messages <= 5; messages += 1) {
    reporter.report({ source, authority: `host-${messages}`, responseCode: 200 });
    while (reporter.stats().messages < messages) await new Promise(setImmediate);
  }
  assert.deepEqual(sink.all, []);
  verdict.resolve(AWAY);
  await sink.until(() => new Set(authorities(sink)).size === 5);
});

test("T-09 while it is asked who the caller is, nothing further is read: what is sent meanwhile waits at the sender", async (t) => {
  const verdict = Promise.withResolvers<undefined>();
  const sink = new CollectingSink();
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, fallbackCaller: () => verdict.promise });
  t.after(() => server.close(0));
  const call = rawHttp2(t, server.port).call();
  const identifier = { logName: FALLBACK_LOG_NAME, node: { id: "node" } };
  call.stream.write(framed(encodeAccessLogMessage({ identifier, entries: [{ authority: "first" }] })));
  call.stream.write(Buffer.concat(Array.from({ length: 100_000 }, () => framed(Buffer.alloc(0)))));
  call.stream.end(framed(encodeAccessLogMessage({ entries: [{ authority: "last" }] })));
  while (server.heldBytes === 0) await turn();
  for (let turns = 0; turns < 200; turns++) await turn();
  assert.ok(server.heldBytes < 10_000, `${server.heldBytes} bytes are held`);
  assert.ok(call.stream.writableLength > 100_000, `${call.stream.writableLength} bytes wait at the sender`);
  assert.deepEqual(sink.authorities, []);
  verdict.resolve(undefined);
  assert.equal(await call.status, 0);
  assert.deepEqual([sink.authorities, server.heldBytes], [["first", "last"], 0]);
});

test("T-01 a token that is revoked while its stream is open ends the stream within a while, and one that nobody can judge does not", async (t) => {
  const sink = new CollectingSink();
  let verdict: CallerRefusal | undefined;
  const looks: (boolean | undefined)[] = [];
  const fallbackCaller: CallerCheck = async (_headers, _peer, isAgain) => {
    looks.push(isAgain);
    return verdict;
  };
  const limits = { reviewedEveryMs: 10 };
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, fallbackCaller, limits });
  const client = rawClient(server.port);
  t.after(async () => {
    client.close();
    await server.close(0);
  });
  const stream = client.open();
  stream.write(message("a", FALLBACK_LOG_NAME));
  const other = client.open();
  other.write(message("b", "fenceline/test1/a"));
  await until(() => looks.length > 3);
  verdict = AWAY;
  const seen = looks.length;
  await until(() => looks.length > seen + 3);
  stream.write(message("c"));
  await sink.until(() => sink.all.length === 3);
  verdict = FORGED;
  assert.equal(await stream.ended, undefined);
  assert.deepEqual([looks[0], new Set(looks.slice(1))], [undefined, new Set([true])]);
  const last = looks.length;
  other.end();
  assert.equal(await other.ended, undefined);
  assert.equal(looks.length, last, "a stream of another name, or one that is over, was looked at");
});

test("T-01 a reporter whose token is replaced loses no edge to the streams that end with the old ones", async (t) => {
  const sink = new CollectingSink();
  let current = 1;
  const fallbackCaller: CallerCheck = async (headers) => (bearerToken(headers) === `token-${current}` ? undefined : FORGED);
  const limits = { reviewedEveryMs: 10 };
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink, fallbackCaller, limits });
  t.after(() => server.close(0));
  const backoff = { first: 5, longest: 20 };
  const target = `127.0.0.1:${server.port}`;
  const reporter = createEdgeReporter({ target, nodeId: "g", token: () => `token-${current}`, backoff, flushIntervalMs: 1 });
  t.after(() => reporter.close(0));
  const source = { namespace: "test1", name: "a" };
  let edges = 0;
  for (; reporter.stats().reconnects < 5; edges += 1) {
    if (edges % 10 === 9) current += 1;
    const { messages } = reporter.stats();
    reporter.report({ source, authority: `host-${edges}`, responseCode: 200 });
    await until(() => reporter.stats().messages > messages);
  }
  await sink.until(() => new Set(authorities(sink)).size === edges);
  assert.equal(reporter.stats().dropped, 0);
});
