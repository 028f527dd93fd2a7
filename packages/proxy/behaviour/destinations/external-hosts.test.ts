import assert from "node:assert/strict";
import { test } from "node:test";
import { createDnsResolver } from "../../src/resolve/dns-resolver.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { startDnsServer } from "../../src/testing/dns-server.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

/**
 * A proxy over cluster DNS in which `partner.example` is 127.0.0.1 and no service, and an upstream
 * that stands for it.
 */
async function setUp(t: Parameters<typeof startDnsServer>[0], externalHosts: "forward" | "refuse") {
  const dns = await startDnsServer(t);
  dns.records.set("partner.example", ["127.0.0.1"]);
  const upstream = await startUpstream(t, (_request, response) => response.end("partner"));
  const proxy = await startProxy(t, {}, { externalHosts, resolver: createDnsResolver({ servers: [dns.address] }) });
  return { dns, upstream, proxy };
}

test("a two-label name that is no service is forwarded to the address that the application had dialled", async (t) => {
  const { dns, upstream, proxy } = await setUp(t, "forward");
  const headers = { host: "partner.example", "fence-source": "test1/a", "slime-orig-dest": `127.0.0.1:${upstream.port}` };
  const answer = await call(proxy.port, { headers });
  assert.equal(answer.body.toString(), "partner");
  assert.ok(!dns.questions.includes("A partner.example"), "its name is not looked up again");
});

test("without an original destination the name itself is looked up", async (t) => {
  const { upstream, proxy } = await setUp(t, "forward");
  const answer = await call(proxy.port, { headers: { host: `partner.example:${upstream.port}`, "fence-source": "test1/a" } });
  assert.equal(answer.body.toString(), "partner");
});

test("an address that belongs to no service is forwarded to", async (t) => {
  const { upstream, proxy } = await setUp(t, "forward");
  const answer = await call(proxy.port, { headers: { host: `127.0.0.1:${upstream.port}`, "fence-source": "test1/a" } });
  assert.equal(answer.body.toString(), "partner");
});

test("a service of that name is preferred", async (t) => {
  const { dns, upstream, proxy } = await setUp(t, "forward");
  dns.records.set("partner.example.svc.cluster.local", ["127.0.0.2"]);
  await call(proxy.port, { headers: { host: `partner.example:${upstream.port}` } }).catch(() => {});
  assert.ok(!dns.questions.includes("A partner.example"));
});

test("metadata and link-local addresses stay refused", async (t) => {
  const { dns, proxy } = await setUp(t, "forward");
  dns.records.set("evil.example", ["169.254.169.254"]);
  for (const headers of [{ host: "evil.example" }, { host: "169.254.169.254" }, { host: "x.y", "slime-orig-dest": "169.254.169.254:80" }]) {
    assert.equal(refusalOf(await call(proxy.port, { headers })).code, "ADDRESS_REFUSED", JSON.stringify(headers));
  }
});

test("where external hosts are refused, as by default, none is looked up", async (t) => {
  const { dns, upstream, proxy } = await setUp(t, "refuse");
  const answer = await call(proxy.port, { headers: { host: `partner.example:${upstream.port}`, "fence-source": "test1/a" } });
  assert.equal(refusalOf(answer).code, "NO_SUCH_SERVICE");
  assert.ok(!dns.questions.includes("A partner.example"));
});
