import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { call, open, readAnswer } from "../../src/testing/client.ts";
import { startPool } from "../../src/testing/pool-under-test.ts";
import { SERVICE } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

test("E1-24 a drain lets the requests in flight of all workers finish, and their edges are reported before it is over", async (t) => {
  const count = 16;
  const responses: { end(text: string): void }[] = [];
  const arrivals = new EventEmitter();
  const upstream = await startUpstream(t, (_request, response) => {
    responses.push(response);
    arrivals.emit("request");
  });
  const { port, pool, reported } = await startPool(t, { services: { [SERVICE]: [upstream.port] } });
  const answers = Array.from({ length: count }, () => readAnswer(open(port, {}).end()));
  while (responses.length < count) await once(arrivals, "request");

  const closed = pool.close();
  await assert.rejects(async () => {
    for (;;) await call(port, { path: "/", host: "nowhere" });
  });
  for (const response of responses) response.end("late");

  for (const { status, headers } of await Promise.all(answers)) assert.deepEqual([status, headers.connection], [200, "close"]);
  await closed;
  assert.equal(reported.edges.filter(({ responseCode }) => responseCode === 200 || responseCode === 0).length, count);
});

test("E1-24 what is not done at the deadline is cut in every worker", async (t) => {
  const arrivals = new EventEmitter();
  let arrived = 0;
  const upstream = await startUpstream(t, () => {
    arrived += 1;
    arrivals.emit("request");
  });
  const { port, pool } = await startPool(t, { services: { [SERVICE]: [upstream.port] } });
  const cut = Array.from({ length: 8 }, () => assert.rejects(readAnswer(open(port, {}).end()), { code: "ECONNRESET" }));
  while (arrived < 8) await once(arrivals, "request");

  await pool.close({ deadline: 50 });

  await Promise.all(cut);
});
