import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceFenceStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SERVICES } from "@fenceline/store/kubernetes/testing";
import { startCluster, startReplica } from "../testing/cluster.ts";
import { CAPTURED_MESH } from "../testing/mesh.ts";
import { startCollector } from "../testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const B = "b.test1.svc.cluster.local";
const WEB = "web.shop.svc.cluster.local";
const STATE = "state/test1/ServiceFence-a.yaml";
const warming = (warmUp: string) => CAPTURED_MESH.replace("{enable: true}", `{enable: true, maxHosts: 2, warmUp: ${warmUp}}`);

test("T-24 in a folder a warm-up that is added later works, also one that is added while nothing runs, and lasts over a restart", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await until(() => running.read(STATE).includes("warmUp: None"));
  running.write("mesh.yaml", warming("{preload: [b], for: 48h}"));
  await until(() => running.read(STATE).includes(B) && running.read("rendered/test1/Sidecar-a.yaml").includes(B));
  assert.match(running.read(STATE), /idleWindow: 48h/);
  // Its manifest says nothing of a warm-up any more.
  const again = await running.restart();
  await again.collector.idle();
  assert.match(again.read(STATE), /idleWindow: 48h/);
  await until(() => again.read(STATE).includes("warmUp: None"));
  const later = await again.restart(() => {}, warming("{preload: All}"));
  await until(() => later.read(STATE).includes(WEB));
  assert.doesNotMatch(later.read(STATE), /type: AtCapacity/);
});

test("T-24 in a cluster a warm-up that is added later works, and lasts under the next leader", async (t) => {
  const service = (namespace: string, name: string) => ({ metadata: { namespace, name }, spec: { ports: [{ name: "http", port: 80 }] } });
  const { server, collector, condition } = await startCluster(t, (fake) => {
    fake.put(SERVICES, service("test1", "b"));
    fake.put(SERVICES, service("shop", "web"));
  });
  const status = () => (server.get(FENCES, FENCE)?.status ?? {}) as Partial<ServiceFenceStatus>;
  await until(() => condition("Ready") === "True Rendered" && status().warmUp === "None");
  const warmUp = { preload: "All", for: "48h" };
  server.put(FENCES, { ...server.get(FENCES, FENCE), ...fence({ spec: { enable: true, maxHosts: 1, warmUp } }), status: status() });
  await until(() => status().domains?.[WEB]?.idleWindow === "48h" && status().warmUp === "All for 48h");
  assert.equal(condition("AtCapacity"), undefined);
  await collector.close();
  const next = await startReplica(t, server, true);
  await next.collector.idle();
  assert.equal(status().domains?.[B]?.idleWindow, "48h");
  const known = next.collector.reader.edgesOf(FENCE);
  assert.deepEqual(
    known.map(({ idleWindow }) => idleWindow),
    known.map(() => 48 * 3_600_000),
  );
  assert.ok(known.length >= 2);
});
