import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { call } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

const GOOD = "reviews.bookinfo.svc.cluster.local";
const MAX = 10;
/** What a trusted proxy says of the caller's certificate. */
const of = (namespace: string) => ({ "x-forwarded-client-cert": `Hash=1;URI=spiffe://cluster.local/ns/${namespace}/sa/default` });

for (const [who, source, headers] of [
  ["a namespace", "evil/a", of("evil")],
  ["callers that prove no namespace", "evil/a", {}],
  ["a namespace that claims others", "good/b", of("evil")],
] as const) {
  test(`T-08 ${who} cannot take the last places of requests in flight from others`, async (t) => {
    const hanging: ServerResponse[] = [];
    const deaf = await startUpstream(t, (_request, response) => hanging.push(response));
    const good = await startUpstream(t, (_request, response) => response.end());
    const options = { load: { maxRequests: MAX, maxTurn: 0 }, trustForwardedClientCert: true };
    const proxy = await startProxy(t, { [SERVICE]: [deaf.port], [GOOD]: [good.port] }, options);
    const flood = Array.from({ length: 2 * MAX }, () => call(proxy.port, { source, headers }).then(({ status }) => status));
    await proxy.until('fenceline_proxy_requests_total{outcome="OVERLOADED"}', 12);

    const calls = Array.from({ length: 2 }, () => call(proxy.port, { host: GOOD, source: "good/b", headers: of("good") }));
    assert.deepEqual(
      (await Promise.all(calls)).map(({ status }) => status),
      [200, 200],
    );

    for (const response of hanging) response.end();
    const statuses = await Promise.all(flood);
    assert.equal(statuses.filter((status) => status === 200).length, 8);
    assert.equal(statuses.filter((status) => status === 503).length, 12);
  });
}

test("T-08 once the requests of a caller have ended, it gets places again", async (t) => {
  const hanging: ServerResponse[] = [];
  const upstream = await startUpstream(t, (_request, response) => hanging.push(response));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxRequests: MAX, maxTurn: 0 } });
  const flood = Array.from({ length: MAX }, () => call(proxy.port));
  await proxy.until('fenceline_proxy_requests_total{outcome="OVERLOADED"}', 2);
  while (hanging.length < 8 && !t.signal.aborted) await new Promise(setImmediate);
  for (const response of hanging.splice(0)) response.end();
  await Promise.all(flood);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);

  const again = Array.from({ length: 8 }, () => call(proxy.port));
  while (hanging.length < 8 && !t.signal.aborted) await new Promise(setImmediate);
  for (const response of hanging) response.end();
  assert.deepEqual([...new Set((await Promise.all(again)).map(({ status }) => status))], [200]);
});
