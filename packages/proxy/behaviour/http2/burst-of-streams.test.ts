import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { test } from "node:test";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const CONNECTIONS = 4;
const STREAMS_EACH = 1_000;
/** Whether the event loop keeps up is not what these requests are about. */
const NO_SHEDDING = { load: { maxTurn: 0 } };

test("T-10 a burst of 4,000 streams to one new destination is carried by the connections that are opened for it", async (t) => {
  const open: ServerHttp2Stream[] = [];
  const all = CONNECTIONS * STREAMS_EACH;
  const upstream = await startHttp2Upstream(
    t,
    (stream) => {
      open.push(stream);
      // None is answered before all are there.
      if (open.length === all) for (const each of open) each.respond({}, { endStream: true });
    },
    { settings: { maxConcurrentStreams: STREAMS_EACH } },
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, NO_SHEDDING);
  const sessions = Array.from({ length: CONNECTIONS }, () => openSession(t, proxy.port));

  const calls = sessions.flatMap((session) => Array.from({ length: STREAMS_EACH }, () => callHttp2(session)));
  const statuses = (await Promise.all(calls)).map(({ status }) => status);

  assert.deepEqual([...new Set(statuses)], [200]);
  assert.equal(upstream.sessions.length, CONNECTIONS);
});
