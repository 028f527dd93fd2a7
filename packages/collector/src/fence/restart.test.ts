import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, readFenceStatus, type ServiceFence, type ServiceFenceStatus, warmUpMark } from "@fenceline/api";
import { FenceEdges, type HostSeed } from "@fenceline/edges";
import { egressHosts, renderFence, workloadLabels } from "@fenceline/render/fence";
import fc from "fast-check";
import { fenceOf, meshOf } from "../testing/mesh.ts";
import { seedAutoHosts } from "./auto-hosts.ts";
import { fenceStatus } from "./status.ts";
import { ageingPolicy, mergeStatus, takeOver } from "./take-over.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-01-01T00:00:00Z");
const config = Config.parse({ ageing: { idleWindow: "24h", maxRemovedShare: 0.25 } });
const { registry } = meshOf();
const B = "b.test1.svc.cluster.local";

function opened(fence: ServiceFence, now = NOW): FenceEdges {
  const edges = new FenceEdges(ageingPolicy(fence, config, registry));
  takeOver(edges, fence, registry, now);
  return edges;
}

/** The status as it is written, and read again. */
function written(fence: ServiceFence, edges: FenceEdges, now = NOW): ServiceFenceStatus {
  const hosts = egressHosts({ fence, booked: edges.hosts(), registry, now });
  const rendered = renderFence({ fence, hosts, labels: workloadLabels(fence, registry, config), config, proxyVersions: [] });
  const state = { idleWindow: 24 * HOUR, rendered, enforced: true, fallbackReady: true, conflicts: [], obstacles: [] };
  const status = fenceStatus({ fence, previous: fence.status, hosts, edges: edges.seen(), ...state, now });
  return readFenceStatus(JSON.parse(JSON.stringify(status))).status;
}

/** Observes the workload, in steps that count whole. */
function watch(edges: FenceEdges, from: number, length: number): number {
  for (let now = from; now <= from + length; now += HOUR / 60) edges.telemetry(now);
  return from + length;
}

const names = (edges: FenceEdges) => edges.hosts().map(({ host }) => host);

/** Takes all hosts out, a few each round, and says in which order they went. */
function order(edges: FenceEdges): string[] {
  const gone: string[] = [];
  for (let removed = edges.age(); removed.length > 0; removed = edges.age()) gone.push(...removed);
  return gone;
}

const CALLED = ["z.example.com", "m.example.com", "a.example.com", "q.example.com", "b.example.com"];

test("T-24 after a restart hosts age in the order of their last calls, a few each round, and make room in that order", () => {
  const fence = fenceOf({ maxHosts: CALLED.length });
  const before = opened(fence);
  for (const [at, host] of CALLED.entries()) before.observe(host, 80, 1, NOW + at);
  const again = { ...fence, status: written(fence, before) };
  const aged = opened(again, NOW + HOUR);
  watch(aged, NOW + HOUR, 25 * HOUR);
  assert.deepEqual(order(aged), CALLED);
  const full = opened(again, NOW + HOUR);
  const end = watch(full, NOW + HOUR, 25 * HOUR);
  const evicted = ["1.example.com", "2.example.com"].map((host) => full.observe(host, 80, 1, end) && full.lastEvicted);
  assert.deepEqual(evicted, CALLED.slice(0, 2));
});

test("T-24 a replica that takes over the lead ages in the order of the last calls that others saw", () => {
  const fence = fenceOf({});
  const [leader, follower] = [opened(fence), opened(fence)];
  let status = fence.status;
  for (const [at, host] of [...CALLED.toReversed(), ...CALLED].entries()) leader.observe(host, 80, 1, NOW + at);
  const after = written(fence, leader);
  mergeStatus(follower, status, after, NOW + 100);
  status = after;
  // What is told late of a call before is no use of the host.
  follower.seenElsewhere("z.example.com", NOW);
  watch(follower, NOW + HOUR, 30 * HOUR);
  assert.deepEqual(order(follower), CALLED);
});

test("T-24 a warm-up of 48 h lasts as long after a restart, under another leader, and when the spec says it no more", () => {
  const fence = fenceOf({ warmUp: { preload: ["b"], for: "48h" } });
  const status = written(fence, opened(fence));
  assert.equal(status.domains[B]?.idleWindow, "48h");
  const follower = opened(fenceOf({}));
  mergeStatus(follower, { domains: {} }, status, NOW);
  const { idleWindow: _, ...older } = status.domains[B] ?? {};
  const books = {
    restarted: opened({ ...fence, status }),
    "without its spec": opened({ ...fenceOf({}), status }),
    "another leader": follower,
    "from a version that wrote no window": opened({ ...fence, status: { domains: { [B]: older } } }),
  };
  for (const [what, edges] of Object.entries(books)) {
    const end = watch(edges, NOW, 47 * HOUR);
    assert.deepEqual([edges.age(), names(edges)], [[], [B]], what);
    watch(edges, end, 12 * HOUR);
    assert.deepEqual(edges.age(), [B], what);
  }
});

test("T-24 a host that a large status tells without detail keeps its place in the order, and its window", () => {
  const hosts = Array.from({ length: 2_500 }, (_, n) => `service-${(n * 7) % 2_500}.namespace-with-a-name.example.com`);
  const fence = fenceOf({ maxHosts: 10_000 });
  const edges = opened(fence);
  for (const [n, host] of hosts.entries())
    edges.seed({ host, source: "learned", firstSeen: NOW, lastSeen: NOW + n, idleWindow: 48 * HOUR });
  const status = written(fence, edges);
  assert.equal(status.domains[hosts[0] ?? ""]?.firstSeen, undefined);
  const again = opened({ ...fence, status }, NOW + HOUR);
  watch(again, NOW + HOUR, 47 * HOUR);
  assert.deepEqual(again.age(), []);
  watch(again, NOW + 49 * HOUR, 2 * HOUR);
  assert.deepEqual(order(again), hosts);
});

test("T-24 what fell away of a warm-up stays away after a restart and an upgrade; another warm-up is put in, and hosts that are there stay as long", () => {
  const fence = fenceOf({ warmUp: { preload: ["b"], for: "48h" } });
  const edges = opened(fence);
  edges.remove(B);
  const status = written(fence, edges);
  assert.deepEqual(names(opened({ ...fence, status })), []);
  const { warmUp: _, ...older } = { ...status, observedUntil: new Date(NOW).toISOString() };
  assert.deepEqual(names(opened({ ...fence, status: older })), []);
  const plain = fenceOf({});
  const learned = opened(plain);
  learned.observe("web.shop.svc.cluster.local", 8080, 1, NOW);
  const known = written(plain, learned);
  const later = opened({ ...fenceOf({ warmUp: { preload: ["b", "web.shop"], for: "48h" } }), status: known });
  assert.deepEqual(
    later.hosts().map(({ host, source, idleWindow }) => [host, source, idleWindow]),
    [
      [B, "preloaded", 48 * HOUR],
      ["web.shop.svc.cluster.local", "learned", 48 * HOUR],
    ],
  );
});

test("T-24 a fence that Slime left its status to is warmed up", () => {
  const status = { domains: { [B]: { hosts: [B] } } };
  const fence = { ...fenceOf({ warmUp: { preload: ["web.shop"] } }), status };
  assert.deepEqual(names(opened(fence)), [B, "web.shop.svc.cluster.local"]);
});

test("T-24 what Slime had learned is taken over once: what aged out of it since does not come back with a restart", () => {
  const web = "web.shop.svc.cluster.local";
  const metricStatus = { [`{destination_service="${B}"}`]: "3", 'request_host="web.shop"': "1" };
  const plain = fenceOf({});
  const fence = { ...plain, status: { domains: {}, metricStatus } };
  const edges = opened(fence);
  assert.deepEqual(names(edges), [B, web]);
  edges.remove(web);
  const status = written(fence, edges);
  assert.deepEqual(status.metricStatus, metricStatus, "it is Slime's, should somebody go back");
  assert.deepEqual(names(opened({ ...plain, status })), [B]);
  edges.remove(B);
  assert.deepEqual(names(opened({ ...plain, status: written(fence, edges) })), []);
});

const hostNames = fc.uniqueArray(fc.constantFrom(...Array.from({ length: 20 }, (_, n) => `h${n}.example.com`)), { maxLength: 12 });

test("T-24 law: what a status says of hosts and windows is taken over as it was, and the order of their last use with it", () => {
  const seen = fc.record({ at: fc.integer({ min: 1, max: 1_000_000 }), window: fc.option(fc.integer({ min: 1, max: 500 })) });
  fc.assert(
    fc.property(hostNames, fc.array(seen, { minLength: 12, maxLength: 12 }), fc.boolean(), (hosts, all, isCalled) => {
      const fence = fenceOf({ maxHosts: 100 });
      const edges = opened(fence);
      for (const [n, host] of hosts.entries()) {
        const { at = 1, window } = all[n] ?? {};
        const idleWindow = typeof window === "number" ? window * HOUR : undefined;
        const seed: HostSeed = { host, source: "preloaded", firstSeen: NOW - at, lastSeen: NOW - at, idleWindow };
        edges.seed(seed);
        if (isCalled) edges.observe(host, 80, n, NOW - at + 1);
      }
      const again = opened({ ...fence, status: written(fence, edges) });
      assert.deepEqual(again.hosts(), edges.hosts());
      watch(again, NOW, 1);
      const bySeen = again.hosts().toSorted((a, b) => a.lastSeen - b.lastSeen);
      const twice = opened({ ...fence, status: written(fence, again) });
      assert.deepEqual(
        twice.hosts(),
        bySeen.toSorted((a, b) => (a.host < b.host ? -1 : 1)),
      );
    }),
  );
});

test("T-24 law: two warm-ups have one mark only when they are the same", () => {
  const preload = fc.oneof(fc.constantFrom("None" as const, "Namespace" as const, "All" as const), fc.array(fc.domain(), { maxLength: 3 }));
  const anyWarmUp = fc.record({ preload, for: fc.integer({ min: 1, max: 3 }).map((hours) => `${hours}h`) });
  fc.assert(
    fc.property(anyWarmUp, anyWarmUp, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other) || (one.preload === "None" && other.preload === "None");
      assert.equal(warmUpMark(one) === warmUpMark(other), isSame);
      assert.ok(warmUpMark(one).length < 60);
    }),
  );
  assert.equal(warmUpMark({ preload: "All", for: "60m" }), warmUpMark({ preload: "All", for: "1h" }));
});

const auto = (RecentlyCalled?: number, hours = 2) => ({
  host: {
    b: {
      auto: { duration: { seconds: hours * 3_600 } },
      ...(RecentlyCalled !== undefined && { RecentlyCalled: { seconds: RecentlyCalled / 1_000 } }),
    },
  },
});

test("T-24 RecentlyCalled counts as the last time a host was seen: the rest of its window is left to it", () => {
  const aged = (called?: number) => {
    const edges = opened(fenceOf(auto(called)));
    assert.deepEqual(edges.age(), [], "nothing was observed yet");
    for (let minutes = 1, now = NOW; minutes <= 180; minutes += 1, now += HOUR / 60) {
      edges.telemetry(now);
      if (edges.age().length > 0) return minutes;
    }
    return undefined;
  };
  const [never, anHourAgo, longAgo, future] = [aged(), aged(NOW - HOUR), aged(NOW - 100 * HOUR), aged(NOW + 100 * HOUR)];
  assert.ok(Number(longAgo) <= 2, `${longAgo}`);
  assert.ok(Math.abs(Number(anHourAgo) - 60) <= 3, `${anHourAgo}`);
  assert.ok(Math.abs(Number(never) - 120) <= 3, `${never}`);
  assert.equal(future, never);
});

test("T-24 a later RecentlyCalled keeps a host, and brings back one that had expired; an earlier one, or one in the future, does neither", () => {
  const fence = fenceOf(auto());
  const expired = { domains: { [B]: { source: "static", status: "EXPIRE", lastSeen: new Date(NOW - HOUR).toISOString() } } } as const;
  const back = (called: number) => names(opened({ ...fenceOf(auto(called)), status: expired })).length;
  assert.deepEqual([NOW - 2 * HOUR, NOW - HOUR, NOW - HOUR / 2, NOW + HOUR].map(back), [0, 0, 1, 0]);
  const edges = opened(fence);
  const now = watch(edges, NOW, 1.5 * HOUR);
  seedAutoHosts(edges, fenceOf(auto(now)), registry, now);
  watch(edges, now, HOUR);
  assert.deepEqual([edges.age(), edges.hosts()[0]?.lastSeen], [[], now]);
});

test("T-24 a host with the auto strategy keeps its times, its count and its window over a restart, also one that was called after it had expired", () => {
  const fence = fenceOf(auto());
  const edges = opened(fence);
  edges.observe(B, 80, 7, NOW + 1);
  const again = opened({ ...fence, status: written(fence, edges) }, NOW + 1);
  assert.deepEqual(again.hosts(), edges.hosts());
  again.remove(B);
  again.observe(B, 80, 1, NOW + 2);
  const now = watch(again, NOW + 3, 3 * HOUR);
  assert.deepEqual([again.hosts()[0]?.source, again.age()], ["static", [B]]);
  const status = written({ ...fence, status: written(fence, edges) }, again, now);
  assert.equal(status.domains[B]?.status, "EXPIRE");
  assert.deepEqual(names(opened({ ...fence, status }, now)), []);
});
