import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { call } from "../testing/client.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../testing/http2.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

const LIMIT = 2 * 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const STALLED = 'fenceline_proxy_requests_total{outcome="CALL_STALLED"}';
const LARGE = { "x-large": "a".repeat(14_000) };
const CALLS = 300;

/** Statuses by how often they came, once the small call that stands among the large ones has its answer. */
async function among(large: readonly Promise<number>[], small: Promise<number>): Promise<readonly number[]> {
  const statuses = Promise.all(large);
  assert.equal(await small, 200);
  return [...new Set(await statuses)].toSorted();
}

async function assertBounded(proxy: ProxyUnderTest, statuses: readonly number[]): Promise<void> {
  assert.deepEqual(statuses, [200, 504]);
  // Each takes 42 KB.
  assert.ok((await proxy.metric(STALLED)) >= CALLS - (2 * LIMIT) / 42_000);
  assert.ok((await proxy.metric(HELD)) < LIMIT);
}

/** Resolves once so many were ended that no more than twice the limit is held. */
async function untilBounded({ signal }: TestContext, proxy: ProxyUnderTest): Promise<void> {
  while (!signal.aborted && ((await proxy.metric(STALLED)) === 0 || (await proxy.metric(HELD)) > 2 * LIMIT)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("T-10 requests with large headers that wait for an answer hold a bounded sum of bytes, and a small one among them is answered", async (t) => {
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(t, (_request, response) => waiting.push(() => response.end()));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const small = call(proxy.port).then(({ status }) => status);
  const large = Array.from({ length: CALLS }, () => call(proxy.port, { headers: LARGE }).then(({ status }) => status));
  await untilBounded(t, proxy);
  for (const answer of waiting) answer();

  await assertBounded(proxy, await among(large, small));
});

test("T-10 the same over HTTP/2", async (t) => {
  const waiting: (() => unknown)[] = [];
  const upstream = await startHttp2Upstream(t, (stream) =>
    waiting.push(() => !stream.destroyed && stream.respond({}, { endStream: true })),
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const session = openSession(t, proxy.port);
  const small = callHttp2(session).then(({ status }) => status);
  // The value differs from one to the next, or HPACK would send it once.
  const large = Array.from({ length: CALLS }, (_, i) =>
    callHttp2(session, { "x-large": `${i}${LARGE["x-large"]}` }).then(({ status }) => status),
  );
  await untilBounded(t, proxy);
  for (const answer of waiting) answer();

  await assertBounded(proxy, await among(large, small));
});
