import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServingPolicy } from "../../src/destination/authorize.ts";
import type { Certified } from "../../src/destination/client-certificate.ts";
import { ExternalPolicy } from "../../src/destination/external-policy.ts";
import { readRequestHead } from "../../src/destination/request-head.ts";
import { createRouter } from "../../src/destination/route.ts";
import { Refusal } from "../../src/refusals/refusal.ts";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

const POLICY: ServingPolicy = {
  clusterDomain: "cluster.local",
  allowLoopback: false,
  ownNames: new Set(),
  ownNamespace: undefined,
  external: new ExternalPolicy({ mode: "refuse" }),
  checkAddress: () => undefined,
};

test("E1-25 made-up hosts do not grow what is remembered beyond its bound", () => {
  const router = createRouter(POLICY);
  const head = readRequestHead(["fence-source", "bookinfo/productpage"]);
  assert.ok("forwarded" in head);
  for (let i = 0; i < 30_000; i += 1) router.route(head, `made-up-${i}.bookinfo`, undefined);
  assert.equal(router.size, 10_000);
});

for (const name of ["fence-source", "slime-source-ns", "slime-orig-dest"]) {
  test(`T-10 a made-up ${name} as long as a header is not remembered, and is answered as before`, () => {
    const router = createRouter(POLICY);
    const head = readRequestHead([name, "x".repeat(60_000)]);
    assert.ok("forwarded" in head);

    const routes = [router.route(head, SERVICE, undefined), router.route(head, SERVICE, undefined)];

    assert.equal(router.size, 0);
    assert.deepEqual(routes[0], routes[1]);
  });
}

test("T-10 a made-up host as long as a header is refused and not remembered", () => {
  const router = createRouter(POLICY);
  const head = readRequestHead([]);
  assert.ok("forwarded" in head);
  assert.ok(router.route(head, "x".repeat(60_000), undefined) instanceof Refusal);
  assert.equal(router.size, 0);
});

test("E1-25 how much is remembered is a metric", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [1] });
  for (const host of ["a.bookinfo", "b.bookinfo", SERVICE]) await call(proxy.port, { host });
  assert.equal(await proxy.metric('fenceline_proxy_remembered{what="routes"}'), 3);
  assert.equal(await proxy.metric('fenceline_proxy_remembered{what="connection_pools"}'), 1);
});

test("T-08 what is looked up for a caller counts for its namespace only where its certificate is of it", () => {
  const router = createRouter(POLICY);
  const head = readRequestHead(["fence-source", "bookinfo/productpage", "slime-source-ns", "bookinfo"]);
  assert.ok("forwarded" in head);
  const unprovenOf = (certified: Certified) => {
    const route = router.route(head, "details", certified);
    return route instanceof Refusal ? route : route.authorized.targets.map(({ unproven = false }) => unproven);
  };
  const of = (namespace: string) => unprovenOf({ namespace, serviceAccount: "a" });
  assert.deepEqual([of("bookinfo"), of("other"), unprovenOf(null)], [[false], [true], [true]]);
});
