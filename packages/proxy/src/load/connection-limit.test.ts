import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { call, openSocket, readToEnd } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

test("E1-25 a connection beyond the limit is closed at once and counted; when one leaves, the next is served", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: { maxConnections: 1 } });
  const first = await openSocket(proxy.port);
  t.after(() => first.destroy());
  await until(async () => (await proxy.metric("fenceline_proxy_connections")) > 0);

  assert.equal(await readToEnd(await openSocket(proxy.port)), "");
  assert.equal(await proxy.metric('fenceline_proxy_connections_refused_total{reason="LIMIT"}'), 1);

  first.destroy();
  await once(first, "close");
  await proxy.until("fenceline_proxy_connections", 0);
  assert.equal((await call(proxy.port)).status, 200);
});
