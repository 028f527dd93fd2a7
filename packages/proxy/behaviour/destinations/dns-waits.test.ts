import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createDnsResolver } from "../../src/resolve/dns-resolver.ts";
import type { Target } from "../../src/resolve/resolver.ts";
import { startDnsServer } from "../../src/testing/dns-server.ts";

const B: Target = { host: "b.test1.svc.cluster.local", kind: "name", port: 80, namespace: undefined };
/** Turns of the event loop in which whatever is settled is told. */
const SOME_TURNS = 20;

/**
 * A name server, a resolver, and a clock that stands still: what comes without a tick of it did not
 * wait, and what does not come was not due.
 */
async function setUp(t: TestContext) {
  const dns = await startDnsServer(t);
  dns.records.set(B.host, ["10.96.0.1", "fd00::1"]);
  const resolver = createDnsResolver({ servers: [dns.address], timeout: 3_600_000, tries: 1, clock: () => Date.now() });
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const armed = t.mock.method(globalThis, "setTimeout");
  const seen: (readonly string[] | undefined)[] = [];
  const ask = async () => void seen.push((await resolver.resolve(B))?.map(({ address }) => address));
  return {
    dns,
    /** The answers so far. */
    seen,
    ask,
    /** A question, until its wait for something else has begun. */
    async askAndWait() {
      const before = armed.mock.callCount();
      void ask();
      while (armed.mock.callCount() === before) await turn();
    },
    async passes(milliseconds: number) {
      t.mock.timers.tick(milliseconds);
      for (let count = 0; count < SOME_TURNS; count += 1) await turn();
      return [...seen];
    },
  };
}

for (const [lost, kept] of [
  ["AAAA", "10.96.0.1"],
  ["A", "fd00::1"],
] as const) {
  test(`T-43 the addresses of one family wait 50 ms for the answer to ${lost}, and no longer`, async (t) => {
    const { dns, askAndWait, passes } = await setUp(t);
    dns.holding.add(lost);
    await askAndWait();
    assert.deepEqual(await passes(49), []);
    assert.deepEqual(await passes(1), [[kept]]);
  });
}

for (const [what, age, wait] of [
  ["has just expired", 1, 50],
  ["expired almost five minutes ago", 299_999, 50],
  ["expired five minutes ago", 300_000, 1_800],
  ["expired almost an hour ago", 3_590_000, 1_800],
] as const) {
  test(`T-43 an answer that ${what} serves after ${wait} ms, whatever the name server does`, async (t) => {
    const { dns, seen, ask, askAndWait, passes } = await setUp(t);
    await ask();
    const [first] = seen.splice(0);
    dns.records.set(B.host, ["10.96.0.2"]);
    dns.holding.add("A").add("AAAA");
    t.mock.timers.tick(5_000 + age);
    await askAndWait();
    assert.deepEqual(await passes(wait - 1), []);
    assert.deepEqual(await passes(1), [first]);
  });
}
