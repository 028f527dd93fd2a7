import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { parkedHosts, type ServiceFenceStatus, type Sidecar, sidecarHosts, withHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes";
import { KubernetesStore } from "@fenceline/store/kubernetes";
import {
  ENVOY_FILTERS,
  FENCE,
  ManualLeadership,
  MESH_CONFIG_MAP,
  OWNER,
  SERVICE_FENCES,
  SERVICES,
  SIDECARS,
} from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";
import { CONFIG } from "./testing/mesh.ts";
import { send } from "./testing/running-collector.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const B = { namespace: "test1", name: "b" };
const HOST = "b.test1.svc.cluster.local";
/** Calls wait in the Envoy, so that a host comes in one step. */
const ON_DEMAND = { ...CONFIG, onDemand: "always" } as const;

test("without a leader an edge is in the Sidecar within a second, and nothing else is written but the status", async (t) => {
  const { server, collector, leadership, metrics } = await startCluster(
    t,
    (fake) =>
      fake.put(SERVICES, { metadata: B, spec: { clusterIP: "10.0.0.7", selector: { app: "b" }, ports: [{ name: "http", port: 80 }] } }),
    true,
    ON_DEMAND,
  );
  await collector.idle();
  const sidecar = () => [(server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined) ?? []].flat();
  const hosts = () => sidecar().flatMap(sidecarHosts);
  // Both steps of the first Sidecar.
  await until(() => hosts().length > 0 && sidecar().flatMap(parkedHosts).length === 0);
  await collector.idle();
  leadership.leads = false;
  const written = server.count("PATCH", SIDECARS);
  const filters = server.count("PATCH", ENVOY_FILTERS);
  const begin = performance.now();
  await send(collector.accessLogPort, [
    encodeAccessLogMessage({
      identifier: { logName: "fenceline/test1/a", node: { id: "x" } },
      entries: [{ upstreamCluster: `outbound|80||${HOST}`, responseCode: 200 }],
    }),
  ]);
  await until(() => hosts().includes(`test1/${HOST}`));
  const took = performance.now() - begin;
  assert.ok(took >= 250, `a leader that is there was not waited for: ${took} ms`);
  t.diagnostic(`${Math.round(took)} ms`);
  await collector.idle();
  assert.deepEqual([server.count("PATCH", SIDECARS) - written, server.count("PATCH", ENVOY_FILTERS) - filters], [1, 0]);
  // The next leader wants just that. The other update is the second step of the first Sidecar.
  leadership.leads = true;
  collector.lead();
  await collector.idle();
  assert.equal(server.count("PATCH", SIDECARS) - written, 1);
  assert.match(await metrics(), /^fenceline_writes_total\{kind="Sidecar",action="update"\} 2$/m);
});

test("a host that a replica has added stays, although the leader has not heard of it yet", async (t) => {
  const { server, collector } = await startCluster(t, (fake) =>
    fake.put(SERVICES, { metadata: B, spec: { clusterIP: "10.0.0.7", selector: { app: "b" }, ports: [{ name: "http", port: 80 }] } }),
  );
  await collector.idle();
  const sidecar = () => server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined;
  const hosts = () => [sidecar() ?? []].flat().flatMap(sidecarHosts);
  await until(() => hosts().length > 0);
  const leadership = new ManualLeadership();
  leadership.lose();
  const store = await KubernetesStore.open({ api: server.api(t), leadership, onTrouble: () => {}, meshConfigMaps: [MESH_CONFIG_MAP] });
  t.after(() => store.close());
  const [object] = store.ownedBy(OWNER).filter((owned): owned is Sidecar => owned.kind === "Sidecar");
  assert.ok(object);
  await store.sidecars.widen({ action: "update", owner: OWNER, object: withHosts(object, [...hosts(), `test1/${HOST}`], []) });
  const seen: boolean[] = [];
  // The leader takes it in, and says so in the status.
  await until(() => {
    seen.push(hosts().includes(`test1/${HOST}`));
    return (server.get(FENCES, FENCE)?.status as Partial<ServiceFenceStatus> | undefined)?.domains?.[HOST] !== undefined;
  });
  await collector.idle();
  assert.ok(hosts().includes(`test1/${HOST}`) && !seen.includes(false), `${hosts()}`);
});
