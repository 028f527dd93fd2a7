import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

test("E1-23 what Envoys and tracers wrote goes on as it is, and nothing is added to it", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(JSON.stringify(request.headers)));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const headers = {
    "x-forwarded-for": "10.0.0.7",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.example",
    forwarded: "for=10.0.0.7;proto=https",
    via: "1.1 edge",
    "x-envoy-attempt-count": "1",
    "x-envoy-expected-rq-timeout-ms": "15000",
    "x-request-id": "d9c0a5e2",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    tracestate: "vendor=1",
    x_under_score: "kept",
  };

  const { "fenceline-hop": hop, ...received } = JSON.parse((await call(proxy.port, { headers })).body.toString());

  assert.ok(hop);
  assert.deepEqual(received, { host: SERVICE, ...headers });
});

test("E1-23 none of them decides where a request goes", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("named by Host"));
  const elsewhere = await startUpstream(t, (_request, response) => response.end("elsewhere"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port], "reviews.bookinfo.svc.cluster.local": [elsewhere.port] });

  const other = "reviews.bookinfo.svc.cluster.local";
  for (const name of ["x-forwarded-host", "x-original-host", "x-envoy-original-dst-host", "x-host", "forwarded"]) {
    const answer = await call(proxy.port, { headers: { [name]: name === "forwarded" ? `host=${other}` : other } });
    assert.equal(answer.body.toString(), "named by Host", name);
  }
});
