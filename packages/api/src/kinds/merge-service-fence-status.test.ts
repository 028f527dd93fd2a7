import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyMergePatch } from "../merge-patch.ts";
import { type FenceStatusMerge, statusPatch } from "./merge-service-fence-status.ts";
import type { DomainStatus, FenceCondition, ServiceFenceStatus } from "./service-fence-status.ts";

const at = (second: number) => new Date(second * 1_000).toISOString();
const host = (lastSeen: number, more: Partial<DomainStatus> = {}): DomainStatus => ({
  hosts: ["h"],
  status: "ACTIVE",
  source: "learned",
  firstSeen: at(0),
  lastSeen: at(lastSeen),
  requests: 1,
  ports: [80],
  ...more,
});
const status = (domains: Record<string, DomainStatus>, more: Partial<ServiceFenceStatus> = {}): ServiceFenceStatus => ({
  domains,
  ...more,
});
const EMPTY = status({});
const NOW = 1_000_000;

function patch(merge: Partial<FenceStatusMerge>) {
  return statusPatch({ desired: EMPTY, base: EMPTY, live: EMPTY, leads: true, now: NOW, ...merge });
}

/** The status after the patch. */
function merged(merge: Partial<FenceStatusMerge>): ServiceFenceStatus {
  const change = patch(merge);
  return (change === undefined ? merge.live : applyMergePatch(merge.live, change)) as ServiceFenceStatus;
}

test("a new host is sent whole, and nothing else", () => {
  const known = status({ a: host(1) });
  assert.deepEqual(patch({ base: known, live: known, desired: status({ a: host(1), b: host(2) }) }), { domains: { b: host(2) } });
});

test("of a known host only the fields that changed are sent", () => {
  const known = status({ a: host(1) });
  const desired = status({ a: host(9, { requests: 4 }) });
  assert.deepEqual(patch({ base: known, live: known, desired }), { domains: { a: { lastSeen: at(9), requests: 4 } } });
});

test("T-14 a lastSeen or observedUntil in the future gives way to a true one, and does not keep what aged out", () => {
  const forged = status({ a: host(253_402_300_799), b: host(253_402_300_799) }, { observedUntil: at(253_402_300_799) });
  const base = status({ a: host(1), b: host(1) });
  const desired = status({ a: host(9) }, { observedUntil: at(10) });
  for (const known of [base, forged])
    assert.deepEqual(merged({ base: known, live: forged, desired }), status({ a: host(9) }, { observedUntil: at(10) }));
});

test("T-11 requests that replicas counted add up to what a number holds exactly, and no further", () => {
  const full = Number.MAX_SAFE_INTEGER;
  const base = status({ a: host(1, { requests: 5 }) });
  const live = status({ a: host(1, { requests: full - 3 }) });
  assert.equal(merged({ base, live, desired: status({ a: host(9, { requests: 15 }) }) }).domains.a?.requests, full);
});

test("a host that this process gave up is taken away, by null", () => {
  const known = status({ a: host(1), b: host(1) });
  assert.deepEqual(patch({ base: known, live: known, desired: status({ a: host(1) }) }), { domains: { b: null } });
});

test("a host that another replica learned a moment ago is not taken away", () => {
  assert.equal(patch({ base: EMPTY, live: status({ new: host(1) }), desired: EMPTY }), undefined);
});

test("a host that another replica saw after we last looked is not taken away", () => {
  assert.equal(patch({ base: status({ a: host(1) }), live: status({ a: host(7) }), desired: EMPTY }), undefined);
});

test("whoever does not lead takes nothing away and judges no condition", () => {
  const conditions: FenceCondition[] = [{ type: "Ready", status: "True", reason: "R", message: "", lastTransitionTime: at(0) }];
  const known = status({ a: host(1) });
  assert.equal(patch({ base: known, live: known, desired: status({}, { conditions }), leads: false }), undefined);
  assert.deepEqual(patch({ base: known, live: known, desired: status({ a: host(1) }, { conditions }) }), { conditions });
});

test("whoever does not lead brings nothing back that the leader took away, unless it was called again", () => {
  const base = status({ a: host(1) });
  assert.equal(patch({ base, live: EMPTY, desired: base, leads: false }), undefined);
  assert.deepEqual(patch({ base, live: EMPTY, desired: status({ a: host(5) }), leads: false }), { domains: { a: host(5) } });
});

test("the leader restores what somebody removed from the status by hand", () => {
  const known = status({ a: host(1) });
  assert.deepEqual(patch({ base: known, live: EMPTY, desired: known }), { domains: { a: host(1) } });
});

test("the later lastSeen and the earlier firstSeen win", () => {
  const live = status({ a: host(9, { firstSeen: at(3) }) });
  const after = merged({ base: status({ a: host(1, { firstSeen: at(2) }) }), live, desired: status({ a: host(5, { firstSeen: at(2) }) }) });
  assert.deepEqual([after.domains.a?.lastSeen, after.domains.a?.firstSeen], [at(9), at(2)]);
});

test("requests that two replicas counted are added up, and ports united", () => {
  const base = status({ a: host(1, { requests: 10 }) });
  const live = status({ a: host(1, { requests: 13, ports: [80, 443] }) });
  const after = merged({ base, live, desired: status({ a: host(1, { requests: 15, ports: [80, 8080] }) }) });
  assert.deepEqual([after.domains.a?.requests, after.domains.a?.ports], [18, [80, 443, 8_080]]);
});

test("what another replica says about a host stands where we have nothing new to say", () => {
  const base = status({ a: host(1) });
  const live = status({ a: host(1, { status: "EXPIRE" }) });
  assert.equal(patch({ base, live, desired: status({ a: host(1) }) }), undefined);
});

test("T-24 a host's window is written and stays; the leader says which warm-up was put in", () => {
  const [without, with48] = [status({ a: host(1) }), status({ a: host(1, { idleWindow: "48h" }) })];
  assert.deepEqual(patch({ base: without, live: without, desired: with48 }), { domains: { a: { idleWindow: "48h" } } });
  assert.equal(patch({ base: with48, live: with48, desired: without }), undefined);
  const desired = status({}, { warmUp: "All for 48h" });
  const live = status({}, { warmUp: "None" });
  assert.deepEqual(patch({ live, desired }), { warmUp: "All for 48h" });
  for (const merge of [
    { live, desired, leads: false },
    { live: desired, desired },
    { live: desired, desired: EMPTY },
  ])
    assert.equal(patch(merge), undefined);
});

test("observedUntil only moves on", () => {
  const live = status({}, { observedUntil: at(5) });
  assert.equal(patch({ live, desired: status({}, { observedUntil: at(4) }) }), undefined);
  assert.deepEqual(patch({ live, desired: status({}, { observedUntil: at(6) }) }), { observedUntil: at(6) });
});

test("law: two replicas that write at the same time lose no host, in whatever order their patches arrive", () => {
  const domains = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 1, max: 50 }), { maxKeys: 4 });
  const statusOf = (seen: Record<string, number>) =>
    status(Object.fromEntries(Object.entries(seen).map(([name, time]) => [name, host(time)])));
  fc.assert(
    fc.property(domains, domains, domains, fc.boolean(), (start, first, second, swapped) => {
      const base = statusOf(start);
      // Each saw what was there before, and more of its own.
      const wants = [first, second].map((seen) =>
        statusOf({ ...start, ...Object.fromEntries(Object.entries(seen).map(([name, time]) => [name, time + 50])) }),
      );
      const patches = wants.map((desired, index) => statusPatch({ desired, base, live: base, leads: index === 0, now: NOW }) ?? {});
      const ordered = swapped ? patches.toReversed() : patches;
      const end = ordered.reduce<unknown>((live, change) => applyMergePatch(live, change), base) as ServiceFenceStatus;
      assert.deepEqual(Object.keys(end.domains).sort(), [...new Set(wants.flatMap((want) => Object.keys(want.domains)))].sort());
    }),
  );
});

test("law: a second write right after the first has nothing to say", () => {
  const seen = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 50 }));
  const statusOf = (times: Record<string, number>) =>
    status(Object.fromEntries(Object.entries(times).map(([name, time]) => [name, host(time)])));
  fc.assert(
    fc.property(seen, seen, seen, fc.boolean(), (a, b, c, leads) => {
      const [base, live, desired] = [statusOf(a), statusOf(b), statusOf(c)];
      const after = merged({ base, live, desired, leads });
      assert.equal(statusPatch({ desired, base: desired, live: after, leads, now: NOW }), undefined);
    }),
  );
});

test("T-11 a host by the name of what every object has comes, changes and goes like others", () => {
  for (const name of ["constructor", "tostring", "hasownproperty", "toString"]) {
    const known = status({ [name]: host(1) });
    assert.deepEqual(patch({ desired: known }), { domains: { [name]: host(1) } }, "it comes");
    assert.deepEqual(patch({ base: EMPTY, live: EMPTY, desired: known, leads: false }), { domains: { [name]: host(1) } });
    assert.deepEqual(patch({ base: known, live: known }), { domains: { [name]: null } }, "it goes");
    assert.deepEqual(merged({ desired: known }), known);
    assert.deepEqual(merged({ base: known, live: known }), EMPTY);
  }
});
