import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream, unusedPort } from "../../src/testing/upstream.ts";

const OTHER = "reviews.bookinfo.svc.cluster.local";

/** Endpoints that answer with their own name. */
async function startEndpoints(t: TestContext, ...names: string[]): Promise<number[]> {
  const upstreams = await Promise.all(names.map((name) => startUpstream(t, (_request, response) => response.end(name))));
  return upstreams.map(({ port }) => port);
}

async function countAnswers(port: number, hosts: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const host of hosts) {
    const name = (await call(port, { host })).body.toString();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

test("T-40 alternating calls to two services reach every endpoint of both", async (t) => {
  const [a, b] = [await startEndpoints(t, "a1", "a2"), await startEndpoints(t, "b1", "b2")];
  const proxy = await startProxy(t, { [SERVICE]: a, [OTHER]: b });

  const counts = await countAnswers(
    proxy.port,
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? SERVICE : OTHER)),
  );

  assert.deepEqual(counts, { a1: 5, a2: 5, b1: 5, b2: 5 });
});

test("T-40 the share of an endpoint that is down is spread over all others, not left to its neighbour", async (t) => {
  const [first = 0, second = 0, third = 0] = await startEndpoints(t, "1", "2", "3");
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort(), first, second, third] });

  const counts = await countAnswers(proxy.port, new Array(36).fill(SERVICE));

  assert.deepEqual(counts, { 1: 12, 2: 12, 3: 12 });
});
