import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { answeredWith } from "../../src/testing/answered-with.ts";
import { type Answer, call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const MAX = 10;
const BUSY = 'fenceline_proxy_requests_total{outcome="UPSTREAM_BUSY"}';
/** What a trusted proxy says of the caller's certificate. */
const of = (namespace: string) => ({ "x-forwarded-client-cert": `Hash=1;URI=spiffe://cluster.local/ns/${namespace}/sa/default` });

/** A service that answers no path but `/good`, and how to answer what hangs. */
async function startShared(t: TestContext, maxWaiting: number) {
  const hanging: ServerResponse[] = [];
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === "/good") response.end();
    else hanging.push(response);
  });
  const options = { upstream: { maxConnections: MAX, maxWaiting }, trustForwardedClientCert: true };
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, options);
  const hangs = async (count: number) => {
    while (hanging.length < count && !t.signal.aborted) await new Promise(setImmediate);
  };
  return { proxy, hanging, hangs };
}

const statuses = async (calls: readonly Promise<Answer>[]) => (await Promise.all(calls)).map(({ status }) => status);

for (const [who, source, headers] of [
  ["a namespace", "evil/a", of("evil")],
  ["callers that prove no namespace", "evil/a", {}],
] as const) {
  test(`T-08 ${who} cannot take the last connections to an address from others, nor the waiting line`, async (t) => {
    const { proxy, hanging, hangs } = await startShared(t, 4);
    const flood = Array.from({ length: 2 * MAX }, () => call(proxy.port, { path: "/evil", source, headers }));
    await proxy.until(BUSY, 2 * MAX - 8 - 4);
    await hangs(8);

    const good = () => call(proxy.port, { path: "/good", source: "good/b", headers: of("good") });
    assert.deepEqual(await statuses(Array.from({ length: 4 }, good)), [200, 200, 200, 200]);

    // What it was let in for is answered, whoever waited meanwhile.
    const all = await answeredWith(() => hanging.shift()?.end(), statuses(flood));
    assert.equal(all.filter((status) => status === 200).length + all.filter((status) => status === 503).length, 2 * MAX);
    assert.ok(all.filter((status) => status === 200).length >= 8);
  });
}

test("T-08 connections that are kept alive are shared as those that are made", async (t) => {
  const { proxy, hanging, hangs } = await startShared(t, 4);
  const headers = of("evil");
  const first = [
    ...Array.from({ length: 5 }, () => call(proxy.port, { source: "evil/a", headers })),
    ...Array.from({ length: 5 }, () => call(proxy.port, { source: "good/b", headers: of("good") })),
  ];
  await hangs(10);
  for (const response of hanging.splice(0)) response.end();
  await Promise.all(first);

  // All ten are idle now, and would be taken by whoever comes first.
  const flood = Array.from({ length: MAX }, () => call(proxy.port, { source: "evil/a", headers }));
  await hangs(8);
  await proxy.until("fenceline_proxy_requests_in_flight", MAX);
  const good = await call(proxy.port, { path: "/good", source: "good/b", headers: of("good") });

  assert.equal(good.status, 200);
  assert.equal(hanging.length, 8);
  assert.deepEqual([...new Set(await answeredWith(() => hanging.shift()?.end(), statuses(flood)))], [200]);
});

test("T-08 callers that wait for a connection get it in turn, and a full line makes room for who has less in it", async (t) => {
  const { proxy, hanging, hangs } = await startShared(t, 4);
  const mine = (namespace: string, path: string) => call(proxy.port, { path, source: `${namespace}/a`, headers: of(namespace) });
  // Both have half: neither gets a share of what is reserved.
  const holders = [...Array.from({ length: 5 }, () => mine("a", "/a")), ...Array.from({ length: 5 }, () => mine("b", "/b"))];
  await hangs(10);
  const waiting = Array.from({ length: 4 }, () => mine("a", "/a"));
  await proxy.until("fenceline_proxy_requests_in_flight", 14);
  const good = mine("good", "/good");
  await proxy.until(BUSY, 1);
  // The first to come free is for a, which waits longest; the second for the newcomer, ahead of a's
  // others.
  hanging.shift()?.end();
  hanging.shift()?.end();

  assert.equal((await good).status, 200);
  const [held, waited] = await answeredWith(() => hanging.shift()?.end(), Promise.all([statuses(holders), statuses(waiting)]));
  assert.deepEqual([...new Set(held)], [200]);
  assert.deepEqual(waited.toSorted(), [200, 200, 200, 503]);
});
