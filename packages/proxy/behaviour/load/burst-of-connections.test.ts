import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { startPool } from "../../src/testing/pool-under-test.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

/** Milliseconds of each request's own. */
const COST = 5;
const BURST = 160;

test("a burst of connections to a busy worker does not wait for one turn of its event loop each", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const { port, metric, metricIs } = await startPool(t, { services: { [SERVICE]: [upstream.port] }, cost: COST }, { workers: 1 });
  // Connections that are there already make every turn 80 ms long: with one connection accepted in
  // each, the last of the burst would wait 13 s.
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  let over = false;
  const busy = Array.from({ length: 16 }, async () => {
    while (!over) await call(port, { agent });
  });
  await metricIs('fenceline_proxy_requests_total{outcome="2xx"}', (count) => count >= 16);
  const before = performance.now();
  const answers = await Promise.all(Array.from({ length: BURST }, () => call(port)));
  const seconds = (performance.now() - before) / 1_000;
  over = true;
  await Promise.all(busy);

  assert.ok(answers.every(({ status }) => status === 200 || status === 503));
  assert.ok((await metric("fenceline_proxy_connections_accepted_total")) >= BURST);
  assert.ok(seconds < 6, `${seconds} s`);
});
