import assert from "node:assert/strict";
import { test } from "node:test";
import { capturedMessages } from "@fenceline/als/testing/captures";
import { until } from "@fenceline/api/testing";
import { CAPTURED_MESH } from "../../testing/mesh.ts";
import { startCollector } from "../../testing/running-collector.ts";

const HTTP = capturedMessages("envoy-1.40-http.bin");
const TCP = capturedMessages("envoy-1.40-tcp.bin");
const V2 = "/envoy.service.accesslog.v2.AccessLogService/StreamAccessLogs";

async function edges(running: Awaited<ReturnType<typeof startCollector>>) {
  const { body } = await running.request("/api/v1/edges");
  const list = JSON.parse(body).edges as { source: string; destination: string; ports: number[]; requests: number }[];
  return list.map(({ source, destination, ports, requests }) => `${source} → ${destination}:${ports.join("+")} ×${requests}`);
}

test("the captured streams yield the two edges that they hold, and nothing for made-up hosts or the global sidecar", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send(HTTP);
  await running.send(TCP);
  // Of the 12 HTTP entries none is for another destination: the made-up hosts were all sent to b's
  // ClusterIP.
  assert.deepEqual(await edges(running), [
    "test1/a → b.test1.svc.cluster.local:80 ×12",
    "test1/a → tcpsvc.test1.svc.cluster.local:7000 ×2",
  ]);
  await running.collector.idle();
  assert.match(running.read("rendered/test1/Sidecar-a.yaml"), /- test1\/b\.test1\.svc\.cluster\.local\n/);
});

test("without b's ClusterIP in the registry the names alone find it, and made-up hosts find nothing", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH.replace("clusterIP: 10.78.111.197, ", ""));
  await running.send(HTTP);
  // Rows 1–5 and 9–12 of the table: the address (6) and the made-up hosts (7, 8) name nothing now.
  assert.deepEqual(await edges(running), ["test1/a → b.test1.svc.cluster.local:80 ×9"]);
});

test("the same streams over the v2 API teach the same", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send(HTTP, V2);
  assert.deepEqual(await edges(running), ["test1/a → b.test1.svc.cluster.local:80 ×12"]);
});

test("a proxy of Istio 1.22 or later gets the on_demand filter once its stream has named its version", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  assert.doesNotMatch(running.read("rendered/test1/EnvoyFilter-a.yaml"), /on_demand/);
  await running.send(HTTP);
  await running.collector.idle();
  assert.match(running.read("rendered/test1/EnvoyFilter-a.yaml"), /envoy\.filters\.http\.on_demand/);
});

test("the first fence of a mesh gets the on_demand filter by the version of the collector's own proxy", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH, undefined, { proxyVersion: "1.31.0" });
  assert.match(running.read("rendered/test1/EnvoyFilter-a.yaml"), /envoy\.filters\.http\.on_demand/);
});

test("the on_demand filter outlives a restart, when no version is known for a while, and a fence that is new gets it from the mesh's version", async (t) => {
  const filterOf = (running: Awaited<ReturnType<typeof startCollector>>, name: string) =>
    running.read(`rendered/test1/EnvoyFilter-${name}.yaml`);
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send(HTTP);
  await running.collector.idle();
  const again = await running.restart();
  assert.match(filterOf(again, "a"), /on_demand/);

  const second = CAPTURED_MESH.slice(CAPTURED_MESH.lastIndexOf("{apiVersion: microservice")).replace("name: a", "name: z");
  await again.send(HTTP);
  again.write("second.yaml", second);
  await until(() => filterOf(again, "z") !== "");
  assert.match(filterOf(again, "z"), /on_demand/);
});
