import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import type { GlobalSidecarOptions } from "../../src/global-sidecar.ts";
import { createDnsResolver } from "../../src/resolve/dns-resolver.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { startDnsServer } from "../../src/testing/dns-server.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const certificate = (namespace: string) => `By=spiffe://cluster.local/ns/fenceline/sa/x;URI=spiffe://cluster.local/ns/${namespace}/sa/a`;

/** A proxy in a cluster that passes external hosts on; `partner.example` is one. */
async function setUp(t: TestContext, options: Partial<GlobalSidecarOptions> = {}) {
  const dns = await startDnsServer(t);
  dns.records.set("partner.example", ["127.0.0.1"]);
  dns.records.set("b.test1.svc.cluster.local", ["127.0.0.1"]);
  const upstream = await startUpstream(t, (_request, response) => response.end("reached"));
  const resolver = createDnsResolver({ servers: [dns.address] });
  const proxy = await startProxy(t, {}, { externalHosts: "forward", trustForwardedClientCert: true, resolver, ...options });
  const ask = (host: string, headers: Record<string, string>) => call(proxy.port, { host, source: null, headers });
  return { dns, upstream, proxy, ask, host: `partner.example:${upstream.port}`, address: `127.0.0.1:${upstream.port}` };
}

const PROVEN = { "fence-source": "test1/a", "x-forwarded-client-cert": certificate("test1") };

test("T-05 a fenced caller whose certificate is of its namespace goes out, by name, by address and by its original destination", async (t) => {
  const { proxy, ask, host, address } = await setUp(t);
  assert.equal((await ask(host, PROVEN)).body.toString(), "reached");
  assert.equal((await ask(address, PROVEN)).body.toString(), "reached");
  assert.equal((await ask("unknown.example", { ...PROVEN, "slime-orig-dest": address })).body.toString(), "reached");
  assert.equal(await proxy.metric('fenceline_proxy_external_calls_total{outcome="forwarded"}'), 3);
});

const OTHERS: Readonly<Record<string, Record<string, string>>> = {
  "nobody that is named": { "x-forwarded-client-cert": certificate("test1") },
  "a fence without a certificate": { "fence-source": "test1/a" },
  "a fence of another namespace than the certificate's": { "fence-source": "test1/a", "x-forwarded-client-cert": certificate("evil") },
  "what is no fence": { "fence-source": "test1", "x-forwarded-client-cert": certificate("test1") },
  "a namespace alone": { "slime-source-ns": "test1", "x-forwarded-client-cert": certificate("test1") },
  "two fences": { "fence-source": "test1/a, evil/b", "x-forwarded-client-cert": certificate("test1") },
  "a certificate that cannot be read": { "fence-source": "test1/a", "x-forwarded-client-cert": "x" },
};

for (const [who, headers] of Object.entries(OTHERS)) {
  test(`T-05 ${who} is no way out: not by name, not by address, not by slime-orig-dest`, async (t) => {
    const { dns, upstream, proxy, ask, host, address } = await setUp(t);
    for (const [authority, more] of [
      [host, {}],
      [host.toUpperCase(), {}],
      [host.replace(":", ".:"), {}],
      [address, {}],
      ["unknown.example", { "slime-orig-dest": address }],
      ["93.184.216.34", {}],
      ["www.partner.example", {}],
    ] as const) {
      const answer = await ask(authority, { ...headers, ...more });
      assert.ok(["EXTERNAL_REFUSED", "NO_SUCH_SERVICE", "HOST_NOT_SERVED"].includes(String(refusalOf(answer).code)), authority);
    }
    assert.equal(upstream.connections(), 0);
    assert.ok(!dns.questions.includes("A partner.example"), "no external name is looked up for it");
    assert.ok((await proxy.metric('fenceline_proxy_external_calls_total{outcome="refused"}')) > 0);
    assert.equal((await ask(`b.test1:${upstream.port}`, headers)).body.toString(), "reached", "services are served all the same");
  });
}

test("T-05 slime-orig-dest of a caller who is not believed gives no port either", async (t) => {
  const { upstream, ask } = await setUp(t);
  const headers = { "slime-orig-dest": `127.0.0.1:${upstream.port}` };
  const answer = await ask("b.test1", headers);
  assert.notEqual(answer.body.toString(), "reached");
  assert.equal((await ask("b.test1", { ...PROVEN, ...headers })).body.toString(), "reached");
});

test("T-05 a TLS connection names nobody, so it does not leave the mesh", async (t) => {
  const { proxy, upstream } = await setUp(t, { tunnel: { tlsPort: 443 } });
  for (const servername of ["partner.example", "www.partner.example"]) {
    const socket = tlsConnect({ port: proxy.port, host: "127.0.0.1", servername, rejectUnauthorized: false });
    const [error] = await once(socket, "error");
    assert.equal(error.code, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", servername);
  }
  assert.equal(upstream.connections(), 0);
});

test("T-05 where the caller's own Envoy refuses unregistered hosts, so does the global sidecar", async (t) => {
  const { upstream, ask, host, address } = await setUp(t);
  for (const value of ["registry-only", "REGISTRY-ONLY", "", "x"]) {
    const headers = { ...PROVEN, "fenceline-outbound": value };
    for (const authority of [host, address])
      assert.ok(["EXTERNAL_REFUSED", "NO_SUCH_SERVICE"].includes(String(refusalOf(await ask(authority, headers)).code)));
    assert.equal((await ask(`b.test1:${upstream.port}`, headers)).body.toString(), "reached");
  }
});

test("T-05 metadata, link-local, multicast and every second spelling of an address stay refused for everybody", async (t) => {
  const { dns, ask } = await setUp(t);
  dns.records.set("rebind.example", ["100.100.100.200"]);
  dns.records.set("rebind.test1.svc.cluster.local", ["168.63.129.16"]);
  for (const host of [
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "169.254.169.254",
    "169.254.170.2",
    "[fd20:ce::254]",
    "[fd20:00ce:0::0254]",
    "[fd00:ec2::254]",
    "[fd00:ec2::23]",
    "[fd00:c1::a9fe:a9fe]",
    "[fd00:42::42]",
    "[fd00:100::100:200]",
    "[fd00:a9fe:a9fe::1]",
    "[fe80::a9fe:a9fe]",
    "[::ffff:100.100.100.200]",
    "[::ffff:0:a9fe:a9fe]",
    "[::a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]",
    "[fec0::1]",
    "[ff02::1]",
    "239.1.1.1",
    "0.0.0.0",
    "rebind.example",
    "rebind.test1",
  ]) {
    assert.equal(refusalOf(await ask(host, PROVEN)).code, "ADDRESS_REFUSED", host);
    const answer = await ask("made-up.example", {
      ...PROVEN,
      "slime-orig-dest": host.startsWith("rebind") ? "169.254.1.1:80" : `${host}:80`,
    });
    assert.equal(refusalOf(answer).code, "ADDRESS_REFUSED", host);
  }
});

test("T-05 a denied host or network is refused, and an allowed one passes where all others are refused", async (t) => {
  const denied = await setUp(t, { externalDeny: ["*.partner.example", "Partner.Example.", "127.0.0.2/32"] });
  assert.equal(refusalOf(await denied.ask(denied.host, PROVEN)).code, "EXTERNAL_REFUSED");
  assert.equal(refusalOf(await denied.ask("127.0.0.2:1", PROVEN)).code, "EXTERNAL_REFUSED");
  assert.equal((await denied.ask(denied.address, PROVEN)).body.toString(), "reached");

  const byName = await setUp(t, { externalHosts: "refuse", externalAllow: ["partner.example"] });
  assert.equal((await byName.ask(byName.host, PROVEN)).body.toString(), "reached");
  assert.notEqual((await byName.ask(byName.address, PROVEN)).body.toString(), "reached");
  // An allowed name does not carry an address of the caller's choice along: the name is looked up.
  const elsewhere = await byName.ask(byName.host, { ...PROVEN, "slime-orig-dest": `127.0.0.2:${byName.upstream.port}` });
  assert.equal(elsewhere.body.toString(), "reached");

  const byNetwork = await setUp(t, { externalHosts: "refuse", externalAllow: ["127.0.0.0/8"] });
  assert.equal((await byNetwork.ask(byNetwork.address, PROVEN)).body.toString(), "reached");
  assert.equal((await byNetwork.ask(byNetwork.host, PROVEN)).body.toString(), "reached");
});

test("T-05 an entry that is neither host nor network is an error at the start", async (t) => {
  for (const entry of ["", "*", "10.0.0.0/33", "10.0.0.256", "a b", "http://x.example", "fd00::/129", "*.", "10.0.0.0/8/8"]) {
    await assert.rejects(setUp(t, { externalDeny: [entry] }), { code: "EXTERNAL_INVALID" }, entry);
  }
});
