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
  assert.equal((await proxy.reported.waitFor(1)).length, 1);
  assert.equal(await proxy.metric('fenceline_proxy_unreported_requests_total{reason="IDENTITY_MISMATCH"}'), 1);
});

test("a certificate header that is not trusted changes nothing", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await call(proxy.port, { headers: { "x-forwarded-client-cert": identity("elsewhere") } });

  assert.equal((await proxy.reported.waitFor(1)).length, 1);
});

const UNREPORTED = "fenceline_proxy_unreported_requests_total";

test("T-03 a certificate that cannot be read is a mismatch, whatever else is accepted", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const headers = ["", "x", "Hash=1", "Hash=1;URI=spiffe://evil.example/ns/bookinfo/sa/default", `${identity("bookinfo")};URI=https://x`];
  for (const acceptPlaintext of [false, true]) {
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { trustForwardedClientCert: true, acceptPlaintext });
    for (const header of headers) {
      const { body } = await call(proxy.port, { headers: { "x-forwarded-client-cert": header } });
      assert.equal(body.toString(), "ok");
    }
    assert.equal(await proxy.metric(`${UNREPORTED}{reason="IDENTITY_MISMATCH"}`), headers.length);
    assert.equal(proxy.reported.edges.length, 0);
  }
});

test("T-03 what a client puts before Envoy's element neither makes nor breaks its identity", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { trustForwardedClientCert: true });
  const forged = [`x",${identity("elsewhere")}`, `${identity("bookinfo")},Subject="CN=\\",${identity("elsewhere")}`];

  for (const header of forged) await call(proxy.port, { headers: { "x-forwarded-client-cert": header } });
  await call(proxy.port, { headers: { "x-forwarded-client-cert": `x"${"y".repeat(5_000)},${identity("bookinfo")}` } });

  assert.equal((await proxy.reported.waitFor(1)).length, 1);
  assert.equal(await proxy.metric(`${UNREPORTED}{reason="IDENTITY_MISMATCH"}`), forged.length);
});

test("T-03 without a certificate nothing is reported, unless plain text is accepted", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const strict = await startProxy(t, { [SERVICE]: [upstream.port] }, { trustForwardedClientCert: true });
  const open = await startProxy(t, { [SERVICE]: [upstream.port] }, { trustForwardedClientCert: true, acceptPlaintext: true });

  for (const { port } of [strict, open]) assert.equal((await call(port)).body.toString(), "ok");

  assert.equal((await open.reported.waitFor(1)).length, 1);
  assert.equal(await strict.metric(`${UNREPORTED}{reason="NO_CERTIFICATE"}`), 1);
  assert.equal(strict.reported.edges.length, 0);
});

test("T-03 without any word on callers nobody is believed, and a header that nobody vouches for changes nothing of it", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { acceptPlaintext: false });

  for (const headers of [{}, { "x-forwarded-client-cert": identity("bookinfo") }]) {
    assert.equal((await call(proxy.port, { headers })).body.toString(), "ok");
  }

  assert.equal(await proxy.metric(`${UNREPORTED}{reason="NO_CERTIFICATE"}`), 2);
  assert.equal(proxy.reported.edges.length, 0);
});

test("T-03 an alias of the trust domain is believed", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(
    t,
    { [SERVICE]: [upstream.port] },
    { trustForwardedClientCert: true, trustDomains: ["mesh.example", "cluster.local"] },
  );

  for (const trustDomain of ["mesh.example", "cluster.local"]) {
    const header = `Hash=1;URI=spiffe://${trustDomain}/ns/bookinfo/sa/default`;
    await call(proxy.port, { headers: { "x-forwarded-client-cert": header } });
  }

  assert.equal((await proxy.reported.waitFor(2)).length, 2);
});
