import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { createGlobalSidecar } from "../../src/global-sidecar.ts";
import { type Resolver, toAddress } from "../../src/resolve/resolver.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const FAULTY: Readonly<Record<string, Resolver>> = {
  throws: {
    resolve() {
      throw new Error("broken");
    },
  },
  rejects: { resolve: () => Promise.reject(new Error("broken")) },
};

for (const [how, resolver] of Object.entries(FAULTY)) {
  test(`a resolver that ${how} fails its request with 503, and the proxy goes on`, async (t) => {
    const proxy = await startProxy(t, {}, { resolver });
    for (let i = 0; i < 2; i += 1) assert.equal(refusalOf(await call(proxy.port)).code, "RESOLUTION_FAILED");
    assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
  });
}

test("a resolver that answers later is waited for", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const resolver: Resolver = { resolve: async ({ kind }) => (kind === "name" ? undefined : [toAddress("127.0.0.1", upstream.port)]) };
  const proxy = await startProxy(t, {}, { resolver });

  const answer = await call(proxy.port, { method: "POST", body: "x", headers: { "slime-orig-dest": "10.96.0.1:80" } });

  assert.equal(answer.body.toString(), "ok");
});

test("a port that is taken rejects the start", async (t) => {
  const proxy = await startProxy(t, {});
  const { port } = proxy;
  const start = createGlobalSidecar({
    host: "127.0.0.1",
    port,
    resolver: { resolve: () => undefined },
    reporter: proxy.reported,
    logger: pino({ level: "silent" }),
  });
  await assert.rejects(start, { code: "LISTEN_FAILED" });
});
