import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { shortest } from "../testing/shortest.ts";
import { describeLeftOut } from "./left-out.ts";
import { readFenceStatus } from "./read-service-fence-status.ts";
import { DOMAIN_STATES, DomainStatus, HOST_SOURCES } from "./service-fence-status.ts";

const SEEN = "2026-11-28T10:00:00.000Z";
const hostOf = (index: number) => `h${index}.test1.svc.cluster.local`;
const hostsUpTo = <T>(count: number, entryOf: (index: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [hostOf(index), entryOf(index)]));

test("T-11 a damaged status of 3 MB is read in a few times what its JSON takes", () => {
  const domain = { hosts: ["b"], status: "ACTIVE", source: "learned", firstSeen: SEEN, lastSeen: SEEN, requests: "huge", ports: [80] };
  const conditions = Array.from({ length: 5_000 }, () => ({ type: "Odd", status: "True" }));
  const text = JSON.stringify({ domains: hostsUpTo(12_000, () => domain), conditions }).replaceAll('"huge"', "1e300");
  const value = JSON.parse(text);
  const { leftOut, unnamed, status } = readFenceStatus(value);
  assert.equal(status.domains[hostOf(11_999)]?.requests, Number.MAX_SAFE_INTEGER);
  assert.deepEqual([leftOut.length, unnamed], [100, 16_900]);
  const parsed = shortest(() => JSON.parse(text), 7);
  const read = shortest(() => readFenceStatus(value), 7);
  // About as long; schemas took 15 times as long.
  assert.ok(read < 5 * parsed, `${read} ms to read what JSON.parse reads in ${parsed} ms`);
});

test("T-11 of a map or a list of too many entries as many are read as may be, those first that were there before, and the rest is told", () => {
  const learned = { source: "learned" } as const;
  const { status: before } = readFenceStatus({ domains: { [hostOf(8)]: learned, [hostOf(9)]: learned, [hostOf(99)]: learned } });
  const value = {
    domains: hostsUpTo(10, () => learned),
    metricStatus: hostsUpTo(10, () => "1"),
    conditions: Array.from({ length: 10 }, () => 7),
  };
  const { status, leftOut, unnamed } = readFenceStatus(value, before, 4);
  assert.deepEqual(Object.keys(status.domains).sort(), [0, 1, 8, 9].map(hostOf));
  assert.deepEqual(Object.keys(status.metricStatus ?? {}), [0, 1, 2, 3].map(hostOf));
  assert.equal(describeLeftOut(leftOut, unnamed), "domains, metricStatus, conditions[0], conditions[1], conditions[2] and 17 more");
  assert.equal(leftOut.length + (unnamed ?? 0), 6 + 6 + 10);
});

test("T-11 a list of a host that is longer than any that we write is not kept", () => {
  const { status, leftOut } = readFenceStatus({
    domains: { b: { source: "learned", hosts: Array(5_000).fill("b"), ports: Array(5_000).fill(80) } },
  });
  assert.deepEqual(status.domains, { b: { source: "learned", ports: [80] } });
  assert.deepEqual(leftOut, ["domains.b.hosts", "domains.b.ports"]);
});

test("law: what the schema takes of a host, and what we write, is read as it stands", () => {
  const time = fc.date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }).map((date) => date.toISOString());
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 100 }).map((all) => all.sort((a, b) => a - b));
  const domain = fc.record(
    {
      hosts: fc.array(fc.string(), { maxLength: 3 }),
      status: fc.oneof(fc.constantFrom(...DOMAIN_STATES), fc.integer()),
      source: fc.constantFrom(...HOST_SOURCES),
      firstSeen: time,
      lastSeen: time,
      requests: fc.maxSafeNat(),
      ports,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(domain, (value) => {
      const taken = DomainStatus.parse(value);
      assert.deepEqual(readFenceStatus({ domains: { b: value } }), { status: { domains: { b: taken } }, leftOut: [] });
    }),
  );
});

test("law: whatever a field of a host is, what is read of it is what the schema takes", () => {
  const text = fc.constantFrom(SEEN, "2026-11-31T00:00:00.000Z", "2026-13-01T00:00:00Z", "2026", "9999-12-31T23:59:59-01:00", "ACTIVE");
  const anything = fc.oneof(fc.jsonValue(), text, fc.array(fc.oneof(fc.integer(), text)), fc.double());
  const fields = fc.constantFrom(...Object.keys(DomainStatus.shape));
  fc.assert(
    fc.property(fc.dictionary(fields, anything), (value) => {
      const read = readFenceStatus({ domains: { b: value } }).status.domains.b;
      assert.deepEqual(DomainStatus.parse(read), read);
    }),
  );
});
