import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { call, open, readAnswer } from "../../src/testing/client.ts";
import { startPool } from "../../src/testing/pool-under-test.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";
import { CRASH } from "../../src/testing/worker-settings.ts";

test("a worker that dies is logged, counted and replaced, on the same port; counters do not go back", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const timing = { heartbeat: 20, firstPause: 20 };
  const services = { [SERVICE]: [upstream.port] };
  const { port, pool, line, metric, metricIs } = await startPool(t, { services }, { workers: 1, timing });
  await call(port);
  await metricIs('fenceline_proxy_requests_total{outcome="2xx"}', (count) => count === 1);

  const cut = assert.rejects(call(port, { host: CRASH }), { code: "ECONNRESET" });
  const { worker, reason } = await line("worker died");
  await cut;

  assert.equal(worker, 0);
  assert.match(String(reason), /crashed as asked/);
  assert.equal(await metric("fenceline_proxy_worker_deaths_total"), 1);
  await metricIs("fenceline_proxy_workers ", (count) => count === 1);
  assert.equal(pool.isReady, true);
  assert.equal((await call(port)).status, 200);
  assert.equal(await metric('fenceline_proxy_requests_total{outcome="2xx"}'), 2);
});

test("while no worker is there, the pool is not ready", async (t) => {
  const { port, pool, line } = await startPool(t, { services: {} }, { workers: 1, timing: { firstPause: 60_000, longestPause: 60_000 } });
  const cut = assert.rejects(call(port, { host: CRASH }), { code: "ECONNRESET" });
  await line("worker died");
  await cut;
  assert.equal(pool.isReady, false);
});

test("when one of two workers dies, requests under way in the other one finish, and new connections go to it", async (t) => {
  const responses: ServerResponse[] = [];
  const arrivals = new EventEmitter();
  const upstream = await startUpstream(t, (_request, response) => {
    responses.push(response);
    arrivals.emit("request");
  });
  const timing = { firstPause: 60_000, longestPause: 60_000 };
  const { port, pool, line, metric } = await startPool(t, { services: { [SERVICE]: [upstream.port] } }, { timing });
  const held = Promise.allSettled(Array.from({ length: 32 }, () => readAnswer(open(port, {}).end())));
  while (responses.length < 32) await once(arrivals, "request");

  const cut = assert.rejects(call(port, { host: CRASH }), { code: "ECONNRESET" });
  await line("worker died");
  await cut;
  for (const response of responses) response.end("ok");

  // All 32 on one of the workers is a chance of one in 2^31.
  const finished = (await held).filter(({ status }) => status === "fulfilled").length;
  assert.ok(finished > 0 && finished < 32, `${finished}`);
  assert.equal(await metric("fenceline_proxy_workers "), 1);
  assert.equal(pool.isReady, true);
  const late = Promise.all(Array.from({ length: 8 }, () => call(port)));
  while (responses.length < 40) await once(arrivals, "request");
  for (const response of responses.slice(32)) response.end("ok");
  assert.ok((await late).every(({ status }) => status === 200));
});

test("a worker that dies loses no request that waits to be reported", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const { port, reported, line } = await startPool(t, { services: { [SERVICE]: [upstream.port] } }, { workers: 1 });
  await call(port);
  await reported.waitFor(1);

  // Its edge is known by now, so these wait for each other.
  await Promise.all([call(port), call(port), call(port)]);
  const cut = assert.rejects(call(port, { host: CRASH }), { code: "ECONNRESET" });
  await line("worker died");
  await cut;

  assert.equal(reported.edges.length, 4);
});

test("T-11 a worker that dies loses nothing of what it counted since it was last asked", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const timing = { heartbeat: 600_000, firstPause: 60_000, longestPause: 60_000 };
  const { port, line, metric } = await startPool(t, { services: { [SERVICE]: [upstream.port] } }, { workers: 1, timing });
  for (let count = 0; count < 5; count += 1) await call(port);

  const cut = assert.rejects(call(port, { host: CRASH }), { code: "ECONNRESET" });
  const { reason } = await line("worker died");
  await cut;

  assert.match(String(reason), /crashed as asked/);
  assert.equal(await metric('fenceline_proxy_requests_total{outcome="2xx"}'), 5);
});
