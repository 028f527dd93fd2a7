import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { openFrames, unfinishedHeader } from "../../src/testing/frames.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const LIMIT = 256 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const UNFINISHED = 'fenceline_proxy_http2_connections_ended_total{reason="UNFINISHED"}';
const CLIENTS = 60;
const LARGE = { "x-large": "v".repeat(2_000) };

test("T-10 headers of HTTP/2 that do not come to their end hold a bounded sum of bytes", async (t) => {
  const proxy = await startProxy(t, {}, { load: { maxHeldBytes: LIMIT, maxTurn: 0 } });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openFrames(t, proxy.port)));
  for (const client of clients) client.send(unfinishedHeader());

  // Beyond twice the limit nobody is given any time.
  await until(async () => {
    const held = await proxy.metric(HELD);
    return (await proxy.metric(UNFINISHED)) > 0 && held > 0 && held <= 2 * LIMIT;
  });
});

test("T-10 an HTTP/2 connection whose header does not come in time is closed, and one that rests is not", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { headersTimeout: 500 } });
  const rests = openSession(t, proxy.port);
  const asked = once(rests, "ping");
  assert.equal((await callHttp2(rests, LARGE)).status, 200);
  const client = await openFrames(t, proxy.port);
  client.send(unfinishedHeader());

  await client.end();

  await asked;
  assert.equal((await callHttp2(rests, LARGE)).status, 200);
  await proxy.until(UNFINISHED, 1);
});
