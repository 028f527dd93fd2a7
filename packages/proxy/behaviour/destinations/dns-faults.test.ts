import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { until } from "@fenceline/api/testing";
import { createDnsResolver, type DnsResolverOptions } from "../../src/resolve/dns-resolver.ts";
import type { Resolution, Resolver, Target } from "../../src/resolve/resolver.ts";
import { call } from "../../src/testing/client.ts";
import { type DnsServer, startDnsServer } from "../../src/testing/dns-server.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const B = "b.test1.svc.cluster.local";
/** What `b.test1` may stand for when a pod of test2 says it, in the order of its search path. */
const [FIRST, SECOND] = ["b.test1.test2.svc.cluster.local", "b.test1.svc.cluster.local"];
/**
 * A question that is not answered is not given up within a test: whatever comes sooner did not wait
 * for it.
 */
const NEVER = 3_600_000;

const named = (host: string, namespace?: string): Target => ({ host, kind: "name", port: 80, namespace });

async function start(t: TestContext, options: DnsResolverOptions = {}): Promise<{ dns: DnsServer; resolver: Resolver }> {
  const dns = await startDnsServer(t);
  return { dns, resolver: createDnsResolver({ servers: [dns.address], timeout: NEVER, tries: 1, clock: () => Date.now(), ...options }) };
}

function addressesOf(resolution: Resolution): readonly string[] | undefined {
  return resolution?.map(({ address }) => address);
}

for (const [lost, kept] of [
  ["AAAA", "10.96.0.1"],
  ["A", "fd00::1"],
] as const) {
  test(`T-43 the addresses of one family do not wait for a lost answer to ${lost}, and the other family joins when it comes`, async (t) => {
    const { dns, resolver } = await start(t);
    dns.records.set(B, ["10.96.0.1", "fd00::1"]);
    dns.holding.add(lost);

    assert.deepEqual(addressesOf(await resolver.resolve(named(B))), [kept]);

    dns.release();
    await until(async () => (await resolver.resolve(named(B)))?.length === 2);
    assert.deepEqual(addressesOf(await resolver.resolve(named(B))), ["10.96.0.1", "fd00::1"]);
    assert.equal(dns.questions.length, 2);
  });
}

test("T-43 a name that does not exist is known to, though the answer to AAAA is lost", async (t) => {
  const { dns, resolver } = await start(t);
  dns.holding.add("AAAA");
  assert.equal(await resolver.resolve(named(B)), undefined);
});

test("T-43 a call through the proxy does not wait for a lost answer to AAAA", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const { dns, resolver } = await start(t);
  dns.records.set(B, ["127.0.0.1"]);
  dns.holding.add("AAAA");
  const proxy = await startProxy(t, {}, { resolver });
  assert.equal((await call(proxy.port, { host: `${B}:${upstream.port}` })).body.toString(), "ok");
});

test("T-43 an expired answer serves while the name server takes its time, and the new one once it is there", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { dns, resolver } = await start(t);
  dns.records.set(B, ["10.96.0.1"]);
  await resolver.resolve(named(B));

  dns.records.set(B, ["10.96.0.2"]);
  dns.holding.add("A").add("AAAA");
  t.mock.timers.tick(5_001);
  assert.deepEqual(addressesOf(await resolver.resolve(named(B))), ["10.96.0.1"]);
  const atOnce = resolver.resolve(named(B));
  assert.ok(!(atOnce instanceof Promise), "the second request waits");
  assert.deepEqual(addressesOf(atOnce), ["10.96.0.1"]);
  assert.equal(dns.questions.length, 4);

  dns.release();
  await until(async () => addressesOf(await resolver.resolve(named(B)))?.[0] === "10.96.0.2");
});

for (const [what, fault] of [
  ["says nothing", "SILENT"],
  ["says SERVFAIL", "SERVFAIL"],
  ["says REFUSED", "REFUSED"],
] as const) {
  test(`T-43 while the name server ${what} the last answer is used, but not for ever`, async (t) => {
    t.mock.timers.enable({ apis: ["Date"] });
    const { dns, resolver } = await start(t, { timeout: 50 });
    dns.records.set(B, ["10.96.0.1"]);
    await resolver.resolve(named(B));
    dns.records.set(B, fault);

    t.mock.timers.tick(5_000 + 3_599_000);
    assert.deepEqual(addressesOf(await resolver.resolve(named(B))), ["10.96.0.1"]);
    t.mock.timers.tick(1_001);
    await assert.rejects(async () => resolver.resolve(named(B)), { name: "ResolutionError", timedOut: fault === "SILENT" });
  });
}

test("T-43 a name that is gone leaves when its answer expires, and is not held by the one before", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { dns, resolver } = await start(t);
  dns.records.set(B, ["10.96.0.1"]);
  await resolver.resolve(named(B));
  dns.records.delete(B);
  t.mock.timers.tick(5_001);

  assert.equal(await resolver.resolve(named(B)), undefined);
  dns.records.set(B, "SERVFAIL");
  t.mock.timers.tick(1_001);
  await assert.rejects(async () => resolver.resolve(named(B)), { timedOut: false });
});

for (const [what, first, outcome] of [
  ["does not exist", undefined, "second"],
  ["has no addresses", [], "second"],
  ["gets SERVFAIL", "SERVFAIL", "second"],
  ["gets REFUSED", "REFUSED", "failure"],
  ["gets no answer", "SILENT", "timeout"],
] as const) {
  test(`T-43 a name of the search path that ${what}: ${outcome === "second" ? "the next one is asked for" : "nothing is said of the next"}`, async (t) => {
    const { dns, resolver } = await start(t, { timeout: 50 });
    if (first !== undefined) dns.records.set(FIRST, first);
    dns.records.set(SECOND, ["10.96.0.2"]);

    const looked = async () => addressesOf(await resolver.resolve(named("b.test1", "test2")));
    if (outcome === "second") assert.deepEqual(await looked(), ["10.96.0.2"]);
    else await assert.rejects(looked, { timedOut: outcome === "timeout" });
  });
}

test("T-43 a short name is not sent to another service because the server stumbles over the one that it stood for", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { dns, resolver } = await start(t);
  dns.records.set(FIRST, ["10.96.0.1"]);
  dns.records.set(SECOND, ["10.96.0.2"]);
  const looked = async () => addressesOf(await resolver.resolve(named("b.test1", "test2")));
  assert.deepEqual(await looked(), ["10.96.0.1"]);

  dns.records.set(FIRST, "SERVFAIL");
  t.mock.timers.tick(5_001);
  assert.deepEqual(await looked(), ["10.96.0.1"]);
  // Even when the last answer is too old: then nothing is known.
  t.mock.timers.tick(3_600_000);
  await assert.rejects(looked, { timedOut: false });

  dns.records.delete(FIRST);
  assert.deepEqual(await looked(), ["10.96.0.2"]);
});

test("T-43 what was found behind a name that failed is asked for again after a second, whatever its TTL", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { dns, resolver } = await start(t);
  dns.records.set(FIRST, "SERVFAIL");
  dns.records.set(SECOND, ["10.96.0.2"]);
  assert.deepEqual(addressesOf(await resolver.resolve(named("b.test1", "test2"))), ["10.96.0.2"]);

  dns.records.set(FIRST, ["10.96.0.1"]);
  t.mock.timers.tick(1_000);
  assert.deepEqual(addressesOf(await resolver.resolve(named("b.test1", "test2"))), ["10.96.0.1"]);
});

test("T-43 names that nobody answers for are looked up within a bound, and take no room from another namespace", async (t) => {
  const { dns, resolver } = await start(t, { timeout: 5_000, tries: 2 });
  dns.holding.add("A").add("AAAA");
  const outcomes: (Resolution | Promise<Resolution>)[] = [];
  for (let i = 0; i < 250; i += 1) {
    outcomes.push(resolver.resolve(named(`made-up-${i}`, "test2")));
    // The kernel holds a few hundred datagrams at most.
    await until(() => dns.questions.includes(`AAAA made-up-${i}.test2.svc.cluster.local`));
  }
  await assert.rejects(async () => resolver.resolve(named("made-up-250", "test2")), { timedOut: false });

  const other = resolver.resolve(named("b", "test1"));
  await until(() => dns.questions.includes(`A ${B}`));
  dns.holding.clear();
  dns.release();
  // Of so many answers at once the kernel may lose some.
  outcomes.push(other);
  void Promise.allSettled(outcomes);
  await Promise.race(outcomes);
  // There is room again.
  assert.equal(await resolver.resolve(named("made-up-250", "test2")), undefined);
});

test("T-08 callers that merely claim a namespace take none of its room for look-ups, whichever they claim", async (t) => {
  const { dns, resolver } = await start(t, { timeout: 5_000, tries: 2 });
  dns.holding.add("A").add("AAAA");
  const outcomes: (Resolution | Promise<Resolution>)[] = [];
  for (let i = 0; i < 250; i += 1) {
    outcomes.push(resolver.resolve({ ...named(`made-up-${i}`, `test${i}`), unproven: true }));
    await until(() => dns.questions.includes(`AAAA made-up-${i}.test${i}.svc.cluster.local`));
  }
  await assert.rejects(async () => resolver.resolve({ ...named("made-up", "test1"), unproven: true }), { timedOut: false });

  outcomes.push(resolver.resolve(named("b", "test1")));
  await until(() => dns.questions.includes(`A ${B}`));
  dns.holding.clear();
  dns.release();
  await Promise.allSettled(outcomes);
});

test("T-43 a failure that nobody waits for is no unhandled rejection", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { dns, resolver } = await start(t, { timeout: 50, maxStale: 10_000 });
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  dns.records.set(B, ["10.96.0.1"]);
  await resolver.resolve(named(B));
  dns.records.set(B, "SILENT");
  t.mock.timers.tick(5_001);

  // Served in time; by the time the look-up fails, the answer is too old to be used instead.
  void resolver.resolve(named(B));
  t.mock.timers.tick(10_000);
  await assert.rejects(async () => resolver.resolve(named(B)), { timedOut: true });
  await nextTurn();
  assert.deepEqual(unhandled, []);
});
