import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { ExternalPolicy } from "./external-policy.ts";
import { readRequestHead } from "./request-head.ts";
import { createRouter } from "./route.ts";

test("E1-25 made-up hosts do not grow what is remembered beyond its bound", () => {
  const router = createRouter({
    clusterDomain: "cluster.local",
    allowLoopback: false,
    ownNames: new Set(),
    ownNamespace: undefined,
    external: new ExternalPolicy({ mode: "refuse" }),
    checkAddress: () => undefined,
  });
  const head = readRequestHead(["fence-source", "bookinfo/productpage"]);
  assert.ok("forwarded" in head);
  for (let i = 0; i < 30_000; i += 1) router.route(head, `made-up-${i}.bookinfo`, undefined);
  assert.equal(router.size, 10_000);
});

test("E1-25 how much is remembered is a metric", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [1] });
  for (const host of ["a.bookinfo", "b.bookinfo", SERVICE]) await call(proxy.port, { host });
  assert.equal(await proxy.metric('fenceline_proxy_remembered{what="routes"}'), 3);
  assert.equal(await proxy.metric('fenceline_proxy_remembered{what="connection_pools"}'), 1);
});
