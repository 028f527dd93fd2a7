import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { KubernetesStore } from "@fenceline/store/kubernetes";
import { CONFIG_MAPS, ManualLeadership, MESH_CONFIG_MAP, SERVICES } from "@fenceline/store/kubernetes/testing";
import { clusterMetrics } from "./cluster-metrics.ts";

test("T-05 of several ConfigMaps with MeshConfig the metrics tell the worst, and all that they have together", async (t) => {
  const server = await FakeApiServer.start(t);
  const meshConfigMaps = ["istio", "istio-canary", "istio-user"].map((name) => ({ ...MESH_CONFIG_MAP, name }));
  const [stable, , shared] = meshConfigMaps as [typeof MESH_CONFIG_MAP, typeof MESH_CONFIG_MAP, typeof MESH_CONFIG_MAP];
  server.put(CONFIG_MAPS, { metadata: stable });
  server.put(CONFIG_MAPS, { metadata: shared, data: { mesh: "[" } });
  server.put(SERVICES, { metadata: { namespace: "shop", name: "web" }, spec: { ports: [{ port: 80 }] } });
  const options = { api: server.api(t), leadership: new ManualLeadership(), onTrouble: () => {}, meshConfigMaps };
  const store = await KubernetesStore.open(options);
  t.after(() => store.close());
  const told = async (change: (health: ReturnType<typeof store.health>[number], at: number) => object = () => ({})) => {
    const health = store.health().map((kind, at) => ({ ...kind, contactAge: 1_000, ...change(kind, at) }));
    const text = await clusterMetrics({ health: () => health, leads: () => true }).metrics();
    return (name: string, kind = "ConfigMap") => {
      const lines = text.split("\n").filter((line) => line.startsWith(`fenceline_store_${name}{kind="${kind}",group=""`));
      return lines.map((line) => line.slice(line.lastIndexOf(" ") + 1)).join();
    };
  };
  const all = await told((_, at) => ({ contactAge: at * 1_000, state: "watching" }));
  assert.deepEqual([all("objects"), all("invalid_objects"), all("synced"), all("watching")], ["2", "1", "1", "1"]);
  const last = store.health().findLastIndex(({ kind }) => kind === "ConfigMap");
  assert.equal(all("contact_age_seconds"), String(last));
  for (const broken of [last - 2, last - 1, last]) {
    const one = await told((_, at) => (at === broken ? { state: "unavailable", synced: false } : { state: "watching" }));
    assert.deepEqual([one("synced"), one("watching"), one("watching", "Service")], ["0", "0", "1"]);
  }
});
