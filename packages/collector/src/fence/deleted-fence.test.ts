import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import type { ServiceFenceStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster, startReplica } from "../testing/cluster.ts";
import { CAPTURED_MESH, CONFIG } from "../testing/mesh.ts";
import { send, startCollector } from "../testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const HOST = "b.test1.svc.cluster.local";
const CALL = encodeAccessLogMessage({
  identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
  entries: [{ authority: HOST, upstreamCluster: `outbound|80||${HOST}`, responseCode: 200, requests: 1 }],
});
const service = {
  metadata: { namespace: "test1", name: "b" },
  spec: { clusterIP: "10.0.0.7", selector: { app: "b" }, ports: [{ name: "http", port: 80 }] },
};

async function setUp(t: TestContext, config = CONFIG) {
  const cluster = await startCluster(t, (fake) => void fake.put(SERVICES, service), true, config);
  const { server, collector } = cluster;
  const shows = () => JSON.stringify(server.get(SIDECARS, FENCE) ?? {}).includes(`test1/${HOST}`);
  const knows = () => ((server.get(FENCES, FENCE)?.status ?? {}) as Partial<ServiceFenceStatus>).domains?.[HOST]?.requests;
  await send(collector.accessLogPort, [CALL]);
  await until(() => shows() && knows() === 1);
  const isForgotten = () => collector.reader.edgeFences().length === 0;
  return { ...cluster, shows, knows, isForgotten };
}

test("T-20 in a cluster a fence that is deleted and made anew within the grace period has lost nothing", async (t) => {
  const { server, lines, shows, knows, isForgotten } = await setUp(t);
  server.remove(FENCES, FENCE);
  await until(isForgotten);
  await until(() => server.get(SIDECARS, FENCE) === undefined);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(() => shows() && knows() === 1);
  const told = (text: string) => lines.some(({ msg, hosts, fence: of }) => msg === text && hosts === 1 && of === "test1/a");
  assert.ok(told("fence is gone, what it learned is kept") && told("fence is back, with what it had learned"));
});

test("T-20 another replica remembers what the leader has forgotten", async (t) => {
  const { server, collector, shows, isForgotten } = await setUp(t);
  const other = await startReplica(t, server, false);
  await until(() => other.collector.reader.edgesOf(FENCE).length === 1);
  await collector.close();
  server.remove(FENCES, FENCE);
  await until(() => other.collector.reader.edgeFences().length === 0);
  server.remove(SIDECARS, FENCE);
  assert.ok(!isForgotten(), "the first leader has ended, and hears nothing of it");
  const next = await startReplica(t, server, true);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(shows);
  assert.equal(next.collector.reader.edgesOf(FENCE).length, 1);
});

test("T-20 without a grace period it is forgotten", async (t) => {
  const { server, collector, shows, isForgotten } = await setUp(t, { ...CONFIG, ageing: { ...CONFIG.ageing, keepDeleted: "0s" } });
  server.remove(FENCES, FENCE);
  await until(isForgotten);
  await until(() => server.get(SIDECARS, FENCE) === undefined);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(() => server.get(SIDECARS, FENCE) !== undefined);
  await collector.idle();
  assert.equal(shows(), false);
});

test("T-20 in a folder a manifest that is deleted and applied again has lost nothing, be there a restart in between or not", async (t) => {
  let running = await startCollector(t, CAPTURED_MESH);
  await running.send([CALL]);
  await running.collector.idle();
  const shows = () => running.read("rendered/test1/Sidecar-a.yaml").includes(HOST);
  assert.ok(shows());
  for (const isRestarted of [false, true]) {
    rmSync(join(running.folder, "mesh.yaml"));
    await until(() => running.read("rendered/test1/Sidecar-a.yaml") === "", 20_000);
    await until(() => running.read("state/test1/ServiceFence-a.yaml").includes("deletedAt"));
    if (isRestarted) running = await running.restart();
    else running.write("mesh.yaml", CAPTURED_MESH);
    await until(shows);
    await until(() => !running.read("state/test1/ServiceFence-a.yaml").includes("deletedAt"));
  }
});
