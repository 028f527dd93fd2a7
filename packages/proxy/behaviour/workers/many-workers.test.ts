import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { startPool } from "../../src/testing/pool-under-test.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const CALLS = 64;

test("several workers share one port; their figures are added up and their edges reach one reporter", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const { port, reported, metric, pool } = await startPool(t, { services: { [SERVICE]: [upstream.port] } });
  assert.equal(await metric("fenceline_proxy_workers "), 2);
  assert.equal(pool.isReady, true);
  const busyBefore = [await metric('fenceline_proxy_event_loop_active_seconds_total{worker="0"}')];

  const answers = await Promise.all(Array.from({ length: CALLS }, () => call(port)));

  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(await metric('fenceline_proxy_requests_total{outcome="2xx"}'), CALLS);
  // Each request is reported with its answer, the first ones of each worker when they were
  // forwarded.
  assert.ok((await reported.waitFor(CALLS)).every(({ authority }) => authority === SERVICE));
  assert.ok((await metric('fenceline_proxy_event_loop_active_seconds_total{worker="0"}')) > (busyBefore[0] ?? 0));
  assert.ok((await metric('fenceline_proxy_event_loop_delay_seconds_bucket{le="+Inf"}')) >= 0);
  // 64 connections on one of two workers is a chance of one in 2^63.
  const text = await pool.metrics.metrics();
  assert.match(text, /active_seconds_total\{worker="1"\} [\d.]+/);
});
