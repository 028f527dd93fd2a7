import assert from "node:assert/strict";
import { Agent } from "node:http";
import { type TestContext, test } from "node:test";
import { setTimeout as pass } from "node:timers/promises";
import { call } from "../../src/testing/client.ts";
import { startPool } from "../../src/testing/pool-under-test.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

/**
 * Milliseconds of computing that a request costs: the worker cannot do more than 200 a second,
 * whatever the machine.
 */
const COST = 5;
/** Twice that. */
const RATE = 400;
const SECONDS = 4;

interface Outcome {
  readonly status: number;
  readonly milliseconds: number;
}

/**
 * Requests at a steady rate, whatever becomes of those before: a queue that grows is seen.
 * Latencies count from when a request was due.
 */
async function offer(t: TestContext, port: number): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  t.after(() => agent.destroy());
  const outcomes: Promise<Outcome>[] = [];
  const begin = performance.now();
  for (let i = 0; i < RATE * SECONDS; i++) {
    const due = begin + (1_000 * i) / RATE;
    if (performance.now() < due) await pass(due - performance.now());
    outcomes.push(call(port, { agent }).then(({ status }) => ({ status, milliseconds: performance.now() - due })));
  }
  return Promise.all(outcomes);
}

async function overload(t: TestContext, maxTurn: number) {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const settings = { services: { [SERVICE]: [upstream.port] }, cost: COST, load: { maxTurn } };
  const { port, metricIs } = await startPool(t, settings, { workers: 1 });
  const outcomes = await offer(t, port);
  const latencies = (status: number) => outcomes.filter((each) => each.status === status).map(({ milliseconds }) => milliseconds);
  const refused = latencies(503);
  await metricIs('fenceline_proxy_requests_total{outcome="OVERLOADED"}', (count) => count === refused.length);
  return {
    accepted: latencies(200),
    refused,
    total: outcomes.length,
  };
}

function p99(latencies: readonly number[]): number {
  return [...latencies].sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? 0;
}

test("E1-25 offered twice what it can do, those it takes are answered soon and the rest get 503 soon; without shedding all wait longer and longer", async (t) => {
  const shedding = await overload(t, 100);
  const not = await overload(t, 0);

  const figures = `taken ${shedding.accepted.length} p99 ${p99(shedding.accepted)}, refused ${shedding.refused.length} p99 ${p99(shedding.refused)}; without p99 ${p99(not.accepted)}`;
  t.diagnostic(figures);
  assert.equal(shedding.accepted.length + shedding.refused.length, shedding.total);
  assert.equal(not.accepted.length, not.total);
  assert.ok(shedding.refused.length > shedding.total / 5, figures);
  assert.ok(shedding.accepted.length > shedding.total / 10, figures);
  // In 4 s a queue of 4 s of work has come about.
  assert.ok(p99(not.accepted) > 2_000, figures);
  assert.ok(p99(shedding.accepted) < p99(not.accepted) / 2, figures);
  assert.ok(p99(shedding.refused) < p99(not.accepted) / 2, figures);
});
