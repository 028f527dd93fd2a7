import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

const identity = (namespace: string) =>
  `By=spiffe://cluster.local/ns/fenceline/sa/gs;Hash=ab;Subject="CN=a,O=\\"b;c\\"";URI=spiffe://cluster.local/ns/${namespace}/sa/default`;

test("a certificate of another namespace than the claimed one: forwarded, counted, not reported", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { trustForwardedClientCert: true });

  const forged = await call(proxy.port, { headers: { "x-forwarded-client-cert": identity("elsewhere") } });
  await call(proxy.port, { headers: { "x-forwarded-client-cert": identity("bookinfo") } });

  assert.equal(forged.body.toString(), "ok");
  assert.equal((await proxy.reported.reach(1)).length, 1);
  assert.equal(await proxy.metric('fenceline_proxy_unreported_requests_total{reason="IDENTITY_MISMATCH"}'), 1);
});

test("a certificate header that is not trusted changes nothing", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await call(proxy.port, { headers: { "x-forwarded-client-cert": identity("elsewhere") } });

  assert.equal((await proxy.reported.reach(1)).length, 1);
});
