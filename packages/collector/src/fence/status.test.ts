import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, type ServiceFence, type ServiceFenceStatus } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { egressHosts, renderFence, workloadLabels } from "@fenceline/render/fence";
import { fenceOf, meshOf } from "../testing/mesh.ts";
import { differsInSubstance, fenceStatus } from "./status.ts";

const B = "b.test1.svc.cluster.local";
const POLICY = { idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 };
const { registry } = meshOf();
const config = Config.parse({});

function statusOf(
  fence: ServiceFence,
  edges: FenceEdges,
  previous: ServiceFenceStatus,
  now: number,
  conflicts: readonly string[] = [],
): ServiceFenceStatus {
  const hosts = egressHosts({ fence, booked: edges.hosts(), registry, now });
  const rendered = renderFence({ fence, hosts, labels: workloadLabels(fence, registry, config), config, proxyVersions: [] });
  const state = {
    rendered,
    enforced: rendered.objects.some(({ kind }) => kind === "Sidecar"),
    fallbackReady: true,
    conflicts,
    obstacles: [],
    idleWindow: POLICY.idleWindow,
  };
  return fenceStatus({ fence, previous, hosts, edges: edges.seen(), ...state, now });
}

test("a learned host is told with its times, its count and its ports, and services of tcp: visible are not told", () => {
  const edges = new FenceEdges(POLICY);
  edges.observe(B, 80, 3, 1_000);
  const { domains } = statusOf(fenceOf({}), edges, { domains: {} }, 2_000);
  const at = "1970-01-01T00:00:01.000Z";
  assert.deepEqual(domains, {
    [B]: { hosts: [B], status: "ACTIVE", source: "learned", firstSeen: at, lastSeen: at, requests: 3, ports: [80] },
  });
});

test("a static host that was called has its times too, and stays static", () => {
  const edges = new FenceEdges(POLICY);
  edges.observe(B, 80, 1, 1_000);
  const { domains } = statusOf(fenceOf({ host: { b: {} } }), edges, { domains: {} }, 2_000);
  assert.equal(domains[B]?.source, "static");
  assert.equal(domains[B]?.requests, 1);
});

test("a static host with the auto strategy that aged out stays in the status as expired, until it is called again", () => {
  const fence = fenceOf({ host: { [B]: { auto: {} } } });
  const edges = new FenceEdges(POLICY);
  edges.seed({ host: B, source: "static", firstSeen: 0, lastSeen: 0 });
  const before = statusOf(fence, edges, { domains: {} }, 0);
  assert.equal(before.domains[B]?.status, "ACTIVE");
  edges.remove(B);
  const aged = statusOf(fence, edges, before, 1);
  assert.equal(aged.domains[B]?.status, "EXPIRE");
  edges.observe(B, 80, 1, 2);
  assert.equal(statusOf(fence, edges, aged, 2).domains[B]?.status, "ACTIVE");
});

test("a host that the fence no longer names leaves the status", () => {
  const edges = new FenceEdges(POLICY);
  const before = statusOf(fenceOf({ host: { [B]: {} } }), edges, { domains: {} }, 0);
  assert.deepEqual(statusOf(fenceOf({}), edges, before, 1).domains, {});
});

test("a condition keeps its time of transition until its status changes", () => {
  const edges = new FenceEdges(POLICY);
  const times = (status: ServiceFenceStatus) =>
    Object.fromEntries((status.conditions ?? []).map(({ type, lastTransitionTime }) => [type, Date.parse(lastTransitionTime)]));
  const first = statusOf(fenceOf({}), edges, { domains: {} }, 1_000);
  edges.telemetry(2_000);
  const second = statusOf(fenceOf({}), edges, first, 2_000);
  assert.deepEqual(times(second), { Ready: 1_000, Enforced: 1_000, Conflict: 1_000, FallbackReady: 1_000, TelemetryFlowing: 2_000 });
  assert.deepEqual(times(statusOf(fenceOf({ mode: "Observe" }), edges, second, 3_000)), {
    Ready: 1_000,
    Enforced: 3_000,
    Conflict: 1_000,
    FallbackReady: 1_000,
    TelemetryFlowing: 2_000,
  });
});

test("times and counts are no difference in substance; hosts, ports and conditions are", () => {
  const edges = new FenceEdges(POLICY);
  edges.observe(B, 80, 1, 0);
  const before = statusOf(fenceOf({}), edges, { domains: {} }, 0);
  edges.observe(B, 80, 1, 500);
  assert.equal(differsInSubstance(before, statusOf(fenceOf({}), edges, before, 500)), false);
  edges.observe(B, 90, 1, 500);
  assert.equal(differsInSubstance(before, statusOf(fenceOf({}), edges, before, 500)), true);
});

test("T-08 T-11 ten thousand Sidecars for the same pods make no condition of a megabyte", () => {
  const conflicts = Array.from({ length: 10_000 }, (_, at) => `test1/${at}`);
  const { conditions = [] } = statusOf(fenceOf({}), new FenceEdges(POLICY), { domains: {} }, 0, conflicts);
  assert.match(
    conditions.find(({ type }) => type === "Conflict")?.message ?? "",
    /^Sidecar test1\/0, test1\/1, test1\/2, test1\/3, test1\/4, and 9995 more is for the same pods/,
  );
});

test("issue 14: every condition says which generation of the fence it is about; another one is written, the same one is not", () => {
  const edges = new FenceEdges(POLICY);
  const about = (generation: number | undefined) => {
    const { metadata, ...fence } = fenceOf({});
    return { ...fence, metadata: { ...metadata, generation } };
  };
  const first = statusOf(about(1), edges, { domains: {} }, 0);
  assert.ok((first.conditions?.length ?? 0) > 4);
  assert.ok(first.conditions?.every(({ observedGeneration }) => observedGeneration === 1));
  const same = statusOf(about(1), edges, first, 1_000);
  const next = statusOf(about(2), edges, first, 1_000);
  assert.deepEqual([differsInSubstance(first, same), differsInSubstance(first, next)], [false, true]);
  assert.deepEqual(
    next.conditions?.map(({ lastTransitionTime }) => lastTransitionTime),
    first.conditions?.map(({ lastTransitionTime }) => lastTransitionTime),
  );
  // What is from a file, or from a version before this one, names none.
  const none = statusOf(about(undefined), edges, { domains: {} }, 0);
  assert.ok(none.conditions?.every((condition) => !("observedGeneration" in condition)));
  assert.deepEqual([differsInSubstance(none, first), differsInSubstance(first, none)], [false, false]);
});
