import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainStatus, ServiceFenceStatus } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { mergeStatus } from "./take-over.ts";

const POLICY = { idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 };
const learned = (lastSeen: number, more: Partial<DomainStatus> = {}): DomainStatus => ({
  source: "learned",
  status: "ACTIVE",
  firstSeen: new Date(0).toISOString(),
  lastSeen: new Date(lastSeen).toISOString(),
  requests: 1,
  ports: [80],
  ...more,
});
const statusOf = (domains: Record<string, DomainStatus>): ServiceFenceStatus => ({ domains });

function bookWith(...hosts: string[]): FenceEdges {
  const edges = new FenceEdges(POLICY);
  for (const host of hosts) edges.observe(host, 80, 1, 100);
  return edges;
}

const hostsOf = (edges: FenceEdges) => edges.hosts().map(({ host }) => host);

test("a host that another replica learned is taken in, with its times", () => {
  const edges = bookWith("a");
  mergeStatus(edges, statusOf({}), statusOf({ b: learned(50) }), 200);
  assert.deepEqual(hostsOf(edges), ["a", "b"]);
  assert.equal(edges.hosts()[1]?.lastSeen, 50);
});

test("a host that the leader aged out leaves, whether its entry is gone or marked as expired", () => {
  const edges = bookWith("a", "b", "c");
  const before = statusOf({ a: learned(50), b: learned(50), c: learned(50) });
  mergeStatus(edges, before, statusOf({ b: learned(50, { status: "EXPIRE" }), c: learned(50) }), 200);
  assert.deepEqual(hostsOf(edges), ["c"]);
});

test("a host that was learned here and is not written yet stays", () => {
  const edges = bookWith("new");
  mergeStatus(edges, statusOf({ a: learned(50) }), statusOf({ a: learned(50) }), 200);
  assert.deepEqual(hostsOf(edges), ["new"]);
});

test("a host that was aged out here does not come back from a status that is a moment old", () => {
  const edges = bookWith();
  mergeStatus(edges, statusOf({ a: learned(50) }), statusOf({ a: learned(50) }), 200);
  assert.deepEqual(hostsOf(edges), []);
});

test("a later sighting elsewhere moves the time, an earlier one does not, and neither adds requests", () => {
  const edges = bookWith("a", "b");
  mergeStatus(edges, statusOf({}), statusOf({ a: learned(500, { requests: 99 }), b: learned(50) }), 600);
  assert.deepEqual(
    edges.hosts().map(({ lastSeen, requests }) => [lastSeen, requests]),
    [
      [500, 1],
      [100, 1],
    ],
  );
});

test("a workload whose access logs go to another replica ages by that one's status, and what it saw in use stays", () => {
  const edges = bookWith("used", "idle");
  let before = statusOf({ used: learned(100), idle: learned(100) });
  const aged: string[] = [];
  for (let now = 200; now <= 1_500; now += 100) {
    const after = { ...statusOf({ used: learned(now), idle: learned(100) }), observedUntil: new Date(now).toISOString() };
    mergeStatus(edges, before, after, now);
    before = after;
    aged.push(...edges.age());
  }
  assert.deepEqual([aged, edges.observedUntil], [["idle"], 1_500]);
});

test("a status that is taken in again observes nothing", () => {
  const edges = bookWith("a");
  const restored = { ...statusOf({ a: learned(50) }), observedUntil: new Date(50).toISOString() };
  mergeStatus(edges, restored, restored, 5_000);
  assert.equal(edges.observedUntil, undefined);
});

test("static hosts without times are none of the book's business", () => {
  const edges = bookWith();
  mergeStatus(edges, statusOf({}), statusOf({ s: { source: "static", status: "ACTIVE" } }), 200);
  assert.deepEqual(hostsOf(edges), []);
});

test("hosts age by what another replica observed: the one that it saw in use stays, and a long silence counts as a short one", () => {
  const edges = new FenceEdges(POLICY);
  const at = (now: number): ServiceFenceStatus => ({
    ...statusOf({ used: learned(now), idle: learned(0) }),
    observedUntil: new Date(now).toISOString(),
  });
  mergeStatus(edges, statusOf({}), at(0), 0);
  mergeStatus(edges, at(0), at(900_000), 900_000);
  assert.deepEqual(edges.age(), [], "a silence of many windows is not an observation");
  let last = 900_000;
  for (let now = last + 100; now <= 901_400; now += 100) {
    mergeStatus(edges, at(last), at(now), now);
    last = now;
  }
  assert.deepEqual(edges.age(), ["idle"]);
  assert.deepEqual(hostsOf(edges), ["used"]);
});

test("T-08 two replicas that fill the last place at once agree: both hosts stay, and neither takes another in", () => {
  const policy = { ...POLICY, maxHosts: 2 };
  const [one, other] = [new FenceEdges(policy), new FenceEdges(policy)];
  const replicas = [
    { edges: one, host: "b", seen: statusOf({}) },
    { edges: other, host: "c", seen: statusOf({}) },
  ];
  for (const { edges, host } of replicas) for (const called of ["a", host, "flood"]) edges.observe(called, 80, 1, 100);
  const merged = statusOf({ a: learned(100), b: learned(100), c: learned(100) });
  for (let round = 0; round < 3; round += 1)
    for (const replica of replicas) {
      mergeStatus(replica.edges, replica.seen, merged, 200);
      replica.seen = merged;
      assert.deepEqual(hostsOf(replica.edges), ["a", "b", "c"]);
      assert.equal(replica.edges.observe("flood", 80, 1, 200), false);
    }
});

test("T-14 a lastSeen in the year 9999 counts as seen when it was read, once: the host ages like any other", () => {
  const edges = bookWith("used", "forged");
  const FUTURE = Date.parse("9999-12-31T23:59:59Z");
  let before = statusOf({ used: learned(100), forged: learned(100) });
  const aged: string[] = [];
  for (let now = 200; now <= 1_500; now += 100) {
    const after = { ...statusOf({ used: learned(now), forged: learned(FUTURE) }), observedUntil: new Date(now).toISOString() };
    mergeStatus(edges, before, after, now);
    aged.push(...edges.age());
    before = after;
  }
  assert.deepEqual([aged, hostsOf(edges)], [["forged"], ["used"]]);
});
