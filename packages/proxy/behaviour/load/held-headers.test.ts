import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { call } from "../../src/testing/client.ts";
import { FLAG, frame, openFrames, requestFields, TYPE } from "../../src/testing/frames.ts";
import { callHttp2, head, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const LIMIT = 2 * 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const STALLED = 'fenceline_proxy_requests_total{outcome="CALL_STALLED"}';
const LARGE = { "x-large": "a".repeat(14_000) };
const CALLS = 300;
/** A setting of HTTP/2 (RFC 9113 §6.5.2). */
const INITIAL_WINDOW_SIZE = 4;

/**
 * Statuses by how often they came, once the small call that stands among the large ones has its
 * answer.
 */
async function among(large: readonly Promise<number>[], small: Promise<number>): Promise<readonly number[]> {
  const statuses = Promise.all(large);
  assert.equal(await small, 200);
  return [...new Set(await statuses)].toSorted();
}

async function assertBounded(proxy: ProxyUnderTest, statuses: readonly number[]): Promise<void> {
  assert.deepEqual(statuses, [200, 504]);
  assert.ok((await proxy.metric(HELD)) < LIMIT);
}

/** Each takes 42 KB, so no more of them can stay. */
const ENDED = Math.ceil(CALLS - (2 * LIMIT) / 42_000);

/** Resolves once as many were ended as cannot stay. */
async function untilBounded(proxy: ProxyUnderTest): Promise<void> {
  await until(async () => (await proxy.metric(STALLED)) >= ENDED);
}

/** A client that is slow to take its refusal is cut. */
function statusOf(answer: Promise<{ readonly status: number }>): Promise<number> {
  return answer.then(
    ({ status }) => status,
    () => 504,
  );
}

/** Answers what has come, and from now on what comes at once. */
class Gate {
  #waiting: (() => void)[] | undefined = [];

  pass(answer: () => void): void {
    if (this.#waiting === undefined) answer();
    else this.#waiting.push(answer);
  }

  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const answer of waiting) answer();
  }
}

test("T-10 requests with large headers that wait for an answer hold a bounded sum of bytes, and a small one among them is answered", async (t) => {
  const gate = new Gate();
  const upstream = await startUpstream(t, (_request, response) => gate.pass(() => response.end()));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const small = statusOf(call(proxy.port));
  const large = Array.from({ length: CALLS }, () => statusOf(call(proxy.port, { headers: LARGE })));
  await untilBounded(proxy);
  gate.open();

  await assertBounded(proxy, await among(large, small));
});

test("T-10 the same over HTTP/2", async (t) => {
  const gate = new Gate();
  const upstream = await startHttp2Upstream(t, (stream) =>
    gate.pass(() => {
      if (!stream.destroyed) stream.respond({}, { endStream: true });
    }),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const session = openSession(t, proxy.port);
  const small = statusOf(callHttp2(session));
  // The value differs from one to the next, or HPACK would send it once.
  const large = Array.from({ length: CALLS }, (_, i) => statusOf(callHttp2(session, { "x-large": `${i}${LARGE["x-large"]}` })));
  await untilBounded(proxy);
  gate.open();

  await assertBounded(proxy, await among(large, small));
});

test("T-10 HTTP/2 requests with large trailers that wait for an answer hold a bounded sum of bytes", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.resume());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const session = openSession(t, proxy.port);
  for (let i = 0; i < CALLS; i += 1) {
    const stream = session.request(head({ ":method": "POST" }), { waitForTrailers: true });
    stream.on("error", () => {}).on("wantTrailers", () => stream.sendTrailers({ "x-large": `${i}${LARGE["x-large"]}` }));
    stream.end("body");
    stream.resume();
  }

  await untilBounded(proxy);

  assert.ok((await proxy.metric(HELD)) < 2 * LIMIT);
});

test("T-10 large trailers of HTTP/2 answers whose client takes no body hold a bounded sum of bytes", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond({}, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-large": `${stream.id}${LARGE["x-large"]}` }));
    stream.end("body");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const client = await openFrames(t, proxy.port, { [INITIAL_WINDOW_SIZE]: 0 });

  for (let i = 0; i < CALLS; i += 1) client.send(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 2 * i + 1, requestFields()));

  const resets = () => client.received.filter(({ type }) => type === TYPE.RST_STREAM).length;
  await until(async () => resets() >= ENDED);
  assert.ok((await proxy.metric(HELD)) < 2 * LIMIT);
});
