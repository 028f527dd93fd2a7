import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { startPool } from "../../src/testing/pool-under-test.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";
import { STALL } from "../../src/testing/worker-settings.ts";

test("a worker that does not respond delays no scrape for long: its last figures are used, and the scrape says so", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const services = { [SERVICE]: [upstream.port] };
  const { port, pool, metric, metricIs } = await startPool(t, { services }, { workers: 1, timing: { heartbeat: 50, unreadyAfter: 100 } });
  await call(port);
  await metricIs('fenceline_proxy_requests_total{outcome="2xx"}', (count) => count === 1);
  const cut = assert.rejects(call(port, { host: STALL }));

  await metricIs("fenceline_proxy_workers_unresponsive ", (count) => count === 1);

  const before = performance.now();
  assert.equal(await metric('fenceline_proxy_requests_total{outcome="2xx"}'), 1);
  assert.ok(performance.now() - before < 3_000);
  assert.equal(pool.isReady, false);
  await pool.close({ deadline: 10 });
  await cut;
});

test("a worker that is stuck in an endless loop is ended and replaced", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const timing = { heartbeat: 20, stuckAfter: 500, firstPause: 20 };
  const { port, line, metricIs } = await startPool(t, { services: { [SERVICE]: [upstream.port] } }, { workers: 1, timing });
  const cut = assert.rejects(call(port, { host: STALL }));

  await line("worker is stuck");
  await cut;
  await metricIs("fenceline_proxy_workers ", (count) => count === 1);

  assert.equal((await call(port)).status, 200);
});
