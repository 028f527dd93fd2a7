import assert from "node:assert/strict";
import { test } from "node:test";
import { type DomainStatus, SERVICE_FENCE, type ServiceFenceStatus } from "@fenceline/api";
import { bytesBeside, MOST_BYTES, withinSize } from "./status-size.ts";

const hostOf = (at: number) => `service-${at}.namespace-with-a-name.svc.cluster.local`;
const timeOf = (at: number) => new Date(at * 1_000).toISOString();

function domainsOf(count: number): Record<string, DomainStatus> {
  const entry = (at: number): [string, DomainStatus] => [
    hostOf(at),
    { hosts: [hostOf(at)], status: "ACTIVE", source: "learned", firstSeen: timeOf(at), lastSeen: timeOf(at), requests: at, ports: [80] },
  ];
  return Object.fromEntries(Array.from({ length: count }, (_, at) => entry(at)));
}

test("T-13 a status with room for all details has them", () => {
  const domains = domainsOf(1_000);
  assert.deepEqual(withinSize(domains, {}), { domains, shortened: 0 });
});

test("T-13 of a status that is too large the oldest hosts go without detail, none is missing, and each keeps when it was last seen", () => {
  const domains = domainsOf(2_500);
  const { domains: sized, shortened } = withinSize(domains, {});
  assert.deepEqual(Object.keys(sized), Object.keys(domains));
  assert.ok(JSON.stringify(sized).length <= MOST_BYTES, `${JSON.stringify(sized).length}`);
  assert.ok(shortened > 0 && shortened < 2_500);
  assert.deepEqual(sized[hostOf(0)], { status: "ACTIVE", source: "learned", lastSeen: timeOf(0) });
  assert.deepEqual(sized[hostOf(2_499)], domains[hostOf(2_499)]);
});

test("T-13 a call to an old host costs no detail of another one, so that it costs no write", () => {
  const domains = domainsOf(2_500);
  const first = withinSize(domains, {});
  const called = { ...domains, [hostOf(0)]: { ...domains[hostOf(0)], lastSeen: timeOf(9_999) } };
  const second = withinSize(called, first.domains);
  const shortOf = (sized: Readonly<Record<string, DomainStatus>>) =>
    Object.keys(sized).filter((host) => sized[host]?.firstSeen === undefined);
  assert.deepEqual(shortOf(second.domains), shortOf(first.domains));
});

test("T-13 the leader's patch takes the details out that the status has, and leaves every host in it", () => {
  const live: ServiceFenceStatus = { domains: domainsOf(2_500) };
  const desired: ServiceFenceStatus = { domains: { ...withinSize(live.domains, {}).domains } };
  const patch = SERVICE_FENCE.mergeStatus?.({ desired, known: [live], live, leads: true, now: 10_000_000 }) as {
    readonly domains?: Record<string, unknown>;
  };
  assert.deepEqual(patch?.domains?.[hostOf(0)], { firstSeen: null, requests: null, hosts: null, ports: null });
  assert.ok(Object.values(patch?.domains ?? {}).every((change) => change !== null));
});

/** Bytes of the fields that an API server keeps the owner of, as `managedFields` has them. */
function ownedBytes(value: unknown): number {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return 2;
  return Object.entries(value).reduce((sum, [key, each]) => sum + key.length + 6 + ownedBytes(each), 8);
}

for (const [what, count, isCalled] of [
  ["learned", 5_000, true],
  ["learned", 20_000, true],
  ["declared", 5_000, false],
  ["declared", 10_000, true],
] as const)
  test(`T-13 a fence with ${count} ${what} hosts, ${isCalled ? "called" : "not called"}, stays below etcd's limit, its spec and the owners of its fields counted`, () => {
    const learned = domainsOf(count);
    const isDeclared = what === "declared";
    const spec = { enable: true, ...(isDeclared && { host: Object.fromEntries(Object.keys(learned).map((host) => [host, {}])) }) };
    const notCalled = (host: string): DomainStatus => ({ hosts: [host], status: "ACTIVE", source: "static" });
    const domains = isCalled ? learned : Object.fromEntries(Object.keys(learned).map((host) => [host, notCalled(host)]));
    const { domains: sized, leftOut = 0 } = withinSize(domains, {}, { beside: () => bytesBeside(spec, undefined) });
    const stored = JSON.stringify({ spec, status: { domains: sized } }).length + ownedBytes({ spec, status: { domains: sized } });
    const annotation = Math.min(256 * 1024, JSON.stringify(spec).length);
    assert.ok(stored + annotation < 1.5 * 1024 * 1024, `${stored + annotation}`);
    assert.equal(Object.keys(sized).length + leftOut, count);
    assert.ok(Object.keys(sized).length > 200);
    if (isCalled && leftOut > 0) assert.ok(sized[hostOf(count - 1)] && !sized[hostOf(0)]);
  });

test("T-13 what is left out stays so while there is no room; what expired is told", () => {
  const domains: Record<string, DomainStatus> = { ...domainsOf(20_000), "auto.example": { status: "EXPIRE", source: "static" } };
  const first = withinSize(domains, {}, {}).domains;
  const [out = ""] = Object.keys(domains).filter((host) => first[host] === undefined);
  const called = { ...domains, [out]: { ...domains[out], lastSeen: timeOf(99_999) } as DomainStatus };
  const second = withinSize(called, first, {}).domains;
  assert.deepEqual(Object.keys(second), Object.keys(first));
  assert.ok(second["auto.example"]);
});
