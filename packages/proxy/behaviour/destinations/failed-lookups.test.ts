import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createDnsResolver } from "../../src/resolve/dns-resolver.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { startDnsServer } from "../../src/testing/dns-server.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const HOST = "partner.example";
/** What it may stand for in the cluster when a pod of test1 says it. */
const IN_CLUSTER = [`${HOST}.test1.svc.cluster.local`, `${HOST}.svc.cluster.local`] as const;
const REVERSE = "1.0.0.127.in-addr.arpa";
const CALLER = { "fence-source": "test1/a" };

async function setUp(t: TestContext) {
  const dns = await startDnsServer(t);
  const resolver = createDnsResolver({ servers: [dns.address], timeout: 50, tries: 1, clock: () => Date.now() });
  const proxy = await startProxy(t, {}, { externalHosts: "forward", resolver });
  const upstream = await startUpstream(t, (_request, response) => response.end("reached"));
  const ask = async (more: Record<string, string> = {}) => {
    const answer = await call(proxy.port, { host: `${HOST}:${upstream.port}`, source: null, headers: { ...CALLER, ...more } });
    return answer.status === 200 ? answer.body.toString() : refusalOf(answer).code;
  };
  return { dns, proxy, upstream, ask, address: `127.0.0.1:${upstream.port}` };
}

const MIXES = {
  "SERVFAIL for both": ["SERVFAIL", "SERVFAIL"],
  "SERVFAIL for the first": ["SERVFAIL", undefined],
  "SERVFAIL for the second": [undefined, "SERVFAIL"],
  "REFUSED for the first": ["REFUSED", undefined],
  "REFUSED for the second": [undefined, "REFUSED"],
  "SERVFAIL, then REFUSED": ["SERVFAIL", "REFUSED"],
  "silence for the first": ["SILENT", undefined],
  "silence for the second": [undefined, "SILENT"],
  "SERVFAIL, then silence": ["SERVFAIL", "SILENT"],
} as const;

for (const [what, answers] of Object.entries(MIXES)) {
  test(`T-43 ${what} of the names that an external host may have in the cluster does not keep it from being called`, async (t) => {
    const { dns, ask } = await setUp(t);
    for (const [at, name] of IN_CLUSTER.entries()) {
      const known = answers[at];
      if (known !== undefined) dns.records.set(name, known);
    }
    dns.records.set(HOST, ["127.0.0.1"]);
    assert.equal(await ask(), "reached");
  });

  test(`T-43 ${what}, and no such host outside: the failure is told`, async (t) => {
    const { dns, ask } = await setUp(t);
    for (const [at, name] of IN_CLUSTER.entries()) {
      const known = answers[at];
      if (known !== undefined) dns.records.set(name, known);
    }
    const failed = answers.find((answer) => answer === "REFUSED" || answer === "SILENT") ?? "SERVFAIL";
    assert.equal(await ask(), failed === "SILENT" ? "RESOLUTION_TIMED_OUT" : "RESOLUTION_FAILED");
  });
}

test("T-43 the address that the application dialled serves, whatever fails of the names and of its own", async (t) => {
  const { dns, ask, address } = await setUp(t);
  for (const name of IN_CLUSTER) dns.records.set(name, "SERVFAIL");
  for (const known of ["SERVFAIL", "REFUSED", "SILENT"] as const) {
    dns.records.set(REVERSE, known);
    assert.equal(await ask({ "slime-orig-dest": address }), "reached", known);
  }
});

test("T-43 by HTTP/2 too a host outside is called though the names in the cluster fail", async (t) => {
  const { dns, proxy } = await setUp(t);
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  for (const name of IN_CLUSTER) dns.records.set(name, "SERVFAIL");
  dns.records.set(HOST, ["127.0.0.1"]);
  assert.equal((await callHttp2(openSession(t, proxy.port), { ...CALLER, ":authority": `${HOST}:${upstream.port}` })).status, 200);
});

test("T-43 of several failures the first is told", async (t) => {
  const { dns, ask } = await setUp(t);
  for (const name of IN_CLUSTER) dns.records.set(name, "SERVFAIL");
  dns.records.set(HOST, "SILENT");
  assert.equal(await ask(), "RESOLUTION_FAILED");
});

test("T-43 a service that was there before is not looked for outside of the mesh because the server stumbles", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { dns, ask } = await setUp(t);
  dns.records.set(IN_CLUSTER[1], ["127.0.0.1"]);
  assert.equal(await ask(), "reached");

  dns.records.set(IN_CLUSTER[1], "SERVFAIL");
  dns.records.set(HOST, ["127.0.0.1"]);
  // Its last answer is too old by then.
  t.mock.timers.tick(5_000 + 3_600_001);
  assert.equal(await ask(), "RESOLUTION_FAILED");
  assert.ok(!dns.questions.includes(`A ${HOST}`));
});
