import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { call, refusalOf } from "../testing/client.ts";
import { startDnsServer } from "../testing/dns-server.ts";
import { startProxy } from "../testing/proxy-under-test.ts";
import { createDnsResolver } from "./dns-resolver.ts";

const named = (host: string, namespace?: string) => ({ host, kind: "name" as const, port: 80, namespace });
const B = "b.test1.svc.cluster.local";

test("E1-20 a name resolves to its A and AAAA records", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set(B, ["10.96.0.1", "fd00::1"]);
  const resolver = createDnsResolver({ servers: [dns.address] });

  const addresses = await resolver.resolve(named("b", "test1"));

  assert.deepEqual(
    addresses?.map(({ origin }) => origin),
    ["http://10.96.0.1:80", "http://[fd00::1]:80"],
  );
});

test("E1-20 a name with AAAA records only resolves", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set(B, ["fd00::1"]);
  const resolver = createDnsResolver({ servers: [dns.address] });
  assert.deepEqual(
    (await resolver.resolve(named(B)))?.map(({ address }) => address),
    ["fd00::1"],
  );
});

test("E1-20 the search path is walked until a name exists", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set("b.test2.svc.cluster.local", ["10.96.0.2"]);
  const resolver = createDnsResolver({ servers: [dns.address] });

  const addresses = await resolver.resolve(named("b.test2", "test1"));

  assert.deepEqual(
    addresses?.map(({ address }) => address),
    ["10.96.0.2"],
  );
  assert.deepEqual(
    dns.questions.filter((question) => question.startsWith("A ")),
    ["A b.test2.test1.svc.cluster.local", "A b.test2.svc.cluster.local"],
  );
});

test("T-43 a name that is too long for DNS, or is once it is complete, does not exist: nobody has to be asked", async (t) => {
  const dns = await startDnsServer(t);
  const resolver = createDnsResolver({ servers: [dns.address] });
  const labels = (bytes: number) => `${"a.".repeat((bytes - 3) / 2)}svc`;
  assert.equal(await resolver.resolve(named(labels(253))), undefined);
  assert.equal(await resolver.resolve({ ...named(`a.a.${labels(253)}`), external: true }), undefined);
  assert.deepEqual(dns.questions, []);
});

test("a service's addresses tell the name that was found; those of an external host tell none", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set(B, ["10.96.0.1"]);
  const resolver = createDnsResolver({ servers: [dns.address] });

  assert.equal((await resolver.resolve({ ...named("b", "test1"), port: 8_080 }))?.[0]?.authority, `${B}:8080`);
  assert.equal((await resolver.resolve({ ...named(B), external: true }))?.[0]?.authority, undefined);
});

test("E1-20 an answer is asked for once while it is fresh, by however many requests, and is there at once then", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set(B, ["10.96.0.1"]);
  const resolver = createDnsResolver({ servers: [dns.address] });

  const [one, two] = await Promise.all([resolver.resolve(named(B)), resolver.resolve(named(B))]);

  assert.equal(one, two);
  assert.equal(resolver.resolve(named(B)), one);
  assert.equal(dns.questions.length, 2);
});

for (const { ttl, usedFor } of [
  { ttl: 2, usedFor: 2_000 },
  { ttl: 300, usedFor: 5_000 },
  { ttl: 0, usedFor: 1_000 },
]) {
  test(`E1-20 records with a TTL of ${ttl} s are used for ${usedFor} ms`, async (t) => {
    t.mock.timers.enable({ apis: ["Date"] });
    const dns = await startDnsServer(t);
    dns.ttl = ttl;
    dns.records.set(B, ["10.96.0.1"]);
    const resolver = createDnsResolver({ servers: [dns.address], clock: () => Date.now() });

    await resolver.resolve(named(B));
    dns.records.set(B, ["10.96.0.2"]);
    t.mock.timers.tick(usedFor - 1);
    assert.equal((await resolver.resolve(named(B)))?.[0]?.address, "10.96.0.1");
    t.mock.timers.tick(1);
    assert.equal((await resolver.resolve(named(B)))?.[0]?.address, "10.96.0.2");
  });
}

test("E1-20 a name server that fails on AAAA does not take the A records away, nor the other way round", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set(B, ["10.96.0.1", "fd00::1"]);
  for (const [failing, address] of [
    ["AAAA", "10.96.0.1"],
    ["A", "fd00::1"],
  ] as const) {
    dns.failing.clear();
    dns.failing.add(failing);
    const found = await createDnsResolver({ servers: [dns.address] }).resolve(named(B));
    assert.deepEqual(
      found?.map((one) => one.address),
      [address],
    );
  }
});

test("E1-20 a name that does not exist is remembered for a short time only", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const dns = await startDnsServer(t);
  const resolver = createDnsResolver({ servers: [dns.address], clock: () => Date.now(), negativeTtl: 1_000 });

  assert.equal(await resolver.resolve(named(B)), undefined);
  dns.records.set(B, ["10.96.0.1"]);
  assert.equal(await resolver.resolve(named(B)), undefined);
  t.mock.timers.tick(1_001);
  assert.equal((await resolver.resolve(named(B)))?.length, 1);
});

test("T-27 a wall clock that jumps neither ends nor prolongs what is remembered of the name server", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 86_400_000 });
  const dns = await startDnsServer(t);
  dns.ttl = 1;
  dns.records.set(B, ["10.96.0.1"]);
  const resolver = createDnsResolver({ servers: [dns.address] });
  const first = await resolver.resolve(named(B));
  const asked = dns.questions.length;

  for (const time of [86_400_000 + 3_600_000, 1]) {
    t.mock.timers.setTime(time);
    assert.equal(resolver.resolve(named(B)), first);
  }
  assert.equal(dns.questions.length, asked);

  dns.records.set(B, ["10.96.0.2"]);
  await until(async () => (await resolver.resolve(named(B)))?.[0]?.address === "10.96.0.2");
});

test("E1-20 while the server fails, the last answer is used", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const dns = await startDnsServer(t);
  dns.records.set(B, ["10.96.0.1"]);
  const resolver = createDnsResolver({ servers: [dns.address], clock: () => Date.now() });

  await resolver.resolve(named(B));
  dns.records.set(B, "SERVFAIL");
  t.mock.timers.tick(5_001);

  assert.deepEqual(
    (await resolver.resolve(named(B)))?.map(({ address }) => address),
    ["10.96.0.1"],
  );
});

test("E1-20 SERVFAIL gives 503 and silence 504: neither says that the service does not exist", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set("broken.test1.svc.cluster.local", "SERVFAIL");
  dns.records.set("silent.test1.svc.cluster.local", "SILENT");
  const resolver = createDnsResolver({ servers: [dns.address], timeout: 100, tries: 1 });
  const proxy = await startProxy(t, {}, { resolver });

  const broken = await call(proxy.port, { host: "broken.test1.svc" });
  const silent = await call(proxy.port, { host: "silent.test1.svc" });

  assert.deepEqual([broken.status, refusalOf(broken).code], [503, "RESOLUTION_FAILED"]);
  assert.deepEqual([silent.status, refusalOf(silent).code], [504, "RESOLUTION_TIMED_OUT"]);
});

test("an address is a service's when its reverse name says so", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set("1.0.96.10.in-addr.arpa", [B]);
  dns.records.set("4.4.8.8.in-addr.arpa", ["dns.example"]);
  const resolver = createDnsResolver({ servers: [dns.address] });
  const addressed = (host: string) => ({ host, kind: "ipv4" as const, port: 8080, namespace: undefined });

  assert.deepEqual(
    (await resolver.resolve(addressed("10.96.0.1")))?.map(({ origin }) => origin),
    ["http://10.96.0.1:8080"],
  );
  assert.equal(await resolver.resolve(addressed("8.8.4.4")), undefined);
  assert.equal(await resolver.resolve(addressed("10.96.0.2")), undefined);
});

test("E1-06 a record that points to loopback gets 421", async (t) => {
  const dns = await startDnsServer(t);
  dns.records.set(B, ["127.0.0.1"]);
  const proxy = await startProxy(t, {}, { resolver: createDnsResolver({ servers: [dns.address] }), allowLoopback: false });
  assert.equal((await call(proxy.port, { host: B })).status, 421);
});

test("T-08 names with many addresses do not grow what is remembered beyond its bound", async (t) => {
  const dns = await startDnsServer(t);
  const many = Array.from({ length: 40 }, (_, i) => `10.96.0.${i + 1}`);
  for (const name of ["a", "b", "c"]) dns.records.set(`${name}.test1.svc.cluster.local`, many);
  const resolver = createDnsResolver({ servers: [dns.address], maxAddresses: 100 });

  for (const name of ["a", "b", "c", "c", "b", "a"]) {
    assert.equal((await resolver.resolve(named(name, "test1")))?.length, many.length);
  }

  const asked = dns.questions.filter((question) => question.startsWith("A ")).map((question) => question.slice(2, 3));
  assert.deepEqual(asked, ["a", "b", "c", "a"]);
});

for (const [what, madeUp] of [
  ["names that do not exist", (i: number) => named(`none-${i}`, "evil")],
  ["ports that a service does not have", (i: number) => ({ ...named("a.test1", "evil"), port: i + 1 })],
  ["names of its own", (i: number) => ({ ...named(`host-${i}.evil.example`, "evil"), external: true as const })],
] as const) {
  test(`T-08 a caller that asks for ${what} takes no answer from others, which lives on while the name server fails`, async (t) => {
    const dns = await startDnsServer(t);
    dns.records.set("a.test1.svc.cluster.local", ["10.96.0.1"]);
    for (let i = 0; i < 200; i += 1) dns.records.set(`host-${i}.evil.example`, ["203.0.113.1"]);
    const resolver = createDnsResolver({ servers: [dns.address], maxAddresses: 100, maxTtl: 1 });
    const asked = Date.now();
    await resolver.resolve(named("a", "test1"));

    await Promise.all(Array.from({ length: 200 }, (_, i) => resolver.resolve(madeUp(i))));
    await until(() => Date.now() > asked + 1_000);
    dns.failing.add("A").add("AAAA");

    assert.deepEqual(
      (await resolver.resolve(named("a", "test1")))?.map(({ address }) => address),
      ["10.96.0.1"],
    );
  });
}
