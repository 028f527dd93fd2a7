import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { call, open, readAnswer, refusalOf } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

test("E1-25 a request beyond the limit in flight gets 503 OVERLOADED with Retry-After, and is neither forwarded nor reported", async (t) => {
  const arrivals = new EventEmitter();
  let forwarded = 0;
  const upstream = await startUpstream(t, (_request, response) => {
    forwarded += 1;
    arrivals.emit("request", response);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxRequests: 1 } });
  const arrival = once(arrivals, "request");
  const first = open(proxy.port, {});
  const firstAnswer = readAnswer(first.end());
  const [response] = await arrival;
  await proxy.reported.waitFor(1);

  const second = await call(proxy.port);

  assert.equal(second.status, 503);
  assert.equal(refusalOf(second).code, "OVERLOADED");
  assert.equal(second.headers["retry-after"], "1");
  // Or an Envoy whose route retries 503 would send it again at once.
  assert.equal(second.headers["x-envoy-overloaded"], "true");
  assert.deepEqual([forwarded, proxy.reported.edges.length], [1, 1]);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="OVERLOADED"}'), 1);

  response.end("done");
  assert.equal((await firstAnswer).status, 200);
  const third = once(arrivals, "request").then(([late]) => late.end());
  assert.equal((await call(proxy.port)).status, 200);
  await third;
});
