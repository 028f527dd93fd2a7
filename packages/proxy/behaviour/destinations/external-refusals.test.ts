import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import type { GlobalSidecarOptions } from "../../src/global-sidecar.ts";
import { createDnsResolver } from "../../src/resolve/dns-resolver.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { startDnsServer } from "../../src/testing/dns-server.ts";
import { callHttp2, openSession } from "../../src/testing/http2.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";

const certificate = (namespace: string) => `URI=spiffe://cluster.local/ns/${namespace}/sa/a`;
const PROVEN = { "fence-source": "test1/a", "x-forwarded-client-cert": certificate("test1") };
const UNPROVEN = { "fence-source": "test1/a", "x-forwarded-client-cert": certificate("evil") };
const REGISTRY_ONLY = { ...PROVEN, "fenceline-outbound": "registry-only" };

async function setUp(t: TestContext, options: Partial<GlobalSidecarOptions> = {}) {
  const dns = await startDnsServer(t);
  const resolver = createDnsResolver({ servers: [dns.address] });
  const proxy = await startProxy(t, {}, { externalHosts: "forward", trustForwardedClientCert: true, resolver, ...options });
  return {
    dns,
    proxy,
    ask: async (host: string, headers: Record<string, string>) => refusalOf(await call(proxy.port, { host, source: null, headers })),
    refused: () => proxy.metric('fenceline_proxy_external_calls_total{outcome="refused"}'),
  };
}

/** Who may not go where, and what the answer says of it. */
const REFUSED: Readonly<Record<string, { headers: Record<string, string>; options?: Partial<GlobalSidecarOptions>; says: RegExp }>> = {
  "a host that the configuration denies": {
    headers: PROVEN,
    options: { externalDeny: ["evil.example", "*.evil.example"] },
    says: /configuration does not allow/,
  },
  "a denied host where only listed ones pass": {
    headers: PROVEN,
    options: { externalHosts: "refuse", externalAllow: ["*.example"], externalDeny: ["evil.example", "*.evil.example"] },
    says: /configuration does not allow/,
  },
  "a host, to a caller whose identity does not agree,": { headers: UNPROVEN, says: /identity agrees/ },
  "a host, to a caller that is REGISTRY_ONLY,": { headers: REGISTRY_ONLY, says: /REGISTRY_ONLY/ },
};

for (const [what, { headers, options, says }] of Object.entries(REFUSED)) {
  test(`T-05 ${what} is refused as an external one and counted, of two labels too`, async (t) => {
    const { dns, proxy, ask, refused } = await setUp(t, options);
    let expected = 0;
    for (const host of ["evil.example", "EVIL.example.", "evil.example:8443", "www.evil.example"]) {
      const { code, message } = await ask(host, headers);
      assert.equal(code, "EXTERNAL_REFUSED", host);
      assert.match(String(message), says, host);
      expected += 1;
      assert.equal(await refused(), expected, host);
    }
    const answer = await callHttp2(openSession(t, proxy.port), { ...headers, ":authority": "evil.example" });
    assert.deepEqual([answer.status, answer.headers["fenceline-error"]], [421, "EXTERNAL_REFUSED"]);
    assert.equal(await refused(), expected + 1);
    assert.ok(!dns.questions.includes("A evil.example"), "it is not looked up outside");
  });
}

test("T-05 the answer about a name of two labels says that it may be a mistyped service", async (t) => {
  const { ask } = await setUp(t);
  assert.match(
    String((await ask("detials.bookinfo", UNPROVEN)).message),
    /^no service of the cluster has this name, and as an external host/,
  );
  assert.doesNotMatch(String((await ask("www.evil.example", UNPROVEN)).message), /service of the cluster/);
});

test("T-05 what can only be a service is none of the external hosts, and not counted as one", async (t) => {
  const { ask, refused } = await setUp(t);
  for (const host of ["details", "details.bookinfo.svc", "details.bookinfo.svc.cluster.local", "bookinfo.svc"]) {
    assert.equal((await ask(host, UNPROVEN)).code, "NO_SUCH_SERVICE", host);
  }
  assert.equal(await refused(), 0);
});

test("T-05 a name that a proven caller may look up outside, and that is not there either, is no service and not refused", async (t) => {
  const { ask, refused } = await setUp(t);
  assert.equal((await ask("detials.bookinfo", PROVEN)).code, "NO_SUCH_SERVICE");
  assert.equal(await refused(), 0);
});

test("T-05 where no host outside is served, an unknown one is no refusal that is counted", async (t) => {
  const { ask, refused } = await setUp(t, { externalHosts: "refuse" });
  assert.equal((await ask("evil.example", PROVEN)).code, "NO_SUCH_SERVICE");
  assert.equal((await ask("www.evil.example", PROVEN)).code, "HOST_NOT_SERVED");
  assert.equal(await refused(), 0);
});

test("T-05 a TLS connection that may not leave the mesh is counted, whatever the name's form", async (t) => {
  const { proxy, refused } = await setUp(t, { tunnel: { tlsPort: 443 } });
  for (const [at, servername] of ["evil.example", "www.evil.example"].entries()) {
    const socket = tlsConnect({ port: proxy.port, host: "127.0.0.1", servername, rejectUnauthorized: false });
    const [error] = await once(socket, "error");
    assert.equal(error.code, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", servername);
    assert.equal(await refused(), at + 1);
  }
});
