import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { type ServiceFenceStatus, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { FENCE, FENCE_UID, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";
import { send } from "../testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const HOST = "b.test1.svc.cluster.local";
const isStatus = ({ path }: RecordedRequest) => path.endsWith("/status");
/** Ageing rounds every 50 ms; a host comes in one step. */
const QUICK = { ...CONFIG, onDemand: "always" as const, ageing: { ...CONFIG.ageing, idleWindow: "1s", shortestWindow: "1s" } };

async function setUp(t: Parameters<typeof startCluster>[0], config = QUICK) {
  const cluster = await startCluster(
    t,
    (fake) =>
      fake.put(SERVICES, {
        metadata: { namespace: "test1", name: "b" },
        spec: { clusterIP: "10.0.0.7", selector: { app: "b" }, ports: [{ name: "http", port: 80 }] },
      }),
    true,
    config,
  );
  const { server, collector } = cluster;
  const sidecar = () => server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined;
  const shows = () => [sidecar() ?? []].flat().flatMap(sidecarHosts).includes(`test1/${HOST}`);
  const status = () => server.get(FENCES, FENCE)?.status as ServiceFenceStatus | undefined;
  const learn = async () => {
    const identifier = { logName: "fenceline/test1/a", node: { id: "x" } };
    const entries = [{ upstreamCluster: `outbound|80||${HOST}`, responseCode: 200 }];
    await send(collector.accessLogPort, [encodeAccessLogMessage({ identifier, entries })]);
    await until(shows);
  };
  return { ...cluster, sidecar, shows, status, learn };
}

test("T-11 a status that somebody overwrote is the leader's again, and no more often than once a second", async (t) => {
  const { server, collector, status, condition, learn } = await setUp(t);
  await learn();
  await until(() => status()?.domains?.[HOST] !== undefined && condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  const lie = { type: "Ready", status: "False", reason: "Evil", message: "", lastTransitionTime: new Date().toISOString() };
  const write = (more: object) => server.put(FENCES, { ...server.get(FENCES, FENCE), status: { ...status(), ...more } }, "somebody");
  for (const more of [{ conditions: [] }, { conditions: [lie] }, { conditions: undefined }]) {
    write(more);
    await until(() => condition("Ready") === "True Rendered");
  }
  const before = server.requests.filter(isStatus).length;
  const began = performance.now();
  for (let times = 0; times < 100; times += 1) {
    write({ conditions: [{ ...lie, message: String(times) }] });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const written = server.requests.filter(isStatus).length - before;
  const seconds = (performance.now() - began) / 1_000;
  assert.ok(written <= seconds + 1, `${written} writes in ${seconds} s`);
  await until(() => condition("Ready") === "True Rendered");
});

test("T-11 without a grace period a fence that is made again at once under another uid has nothing of what the one before had learned", async (t) => {
  const config = { ...QUICK, ageing: { ...QUICK.ageing, keepDeleted: "0s" } };
  const { server, collector, sidecar, shows, status, learn } = await setUp(t, config);
  await collector.idle();
  // What is in no status yet.
  const mend = server.fail(isStatus, { status: 500, body: {} });
  await learn();
  server.remove(FENCES, FENCE);
  server.put(FENCES, { ...fence(), metadata: { ...FENCE, uid: `${FENCE_UID}-2` } });
  mend();
  await until(() => sidecar()?.metadata.ownerReferences?.[0]?.uid === `${FENCE_UID}-2`);
  await until(() => status()?.conditions !== undefined);
  await collector.idle();
  assert.deepEqual([shows(), Object.keys(status()?.domains ?? {})], [false, []]);
});
