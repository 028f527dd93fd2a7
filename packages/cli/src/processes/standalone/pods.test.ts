import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Config } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { pino } from "pino";
import { get } from "../../testing/fenceline-process.ts";
import { startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";
import { startStandalone } from "./standalone.ts";

/** A pod of the headless Service `web`, on this machine. Its port has the number of a UDP one. */
const pod = (hostname: string, port: number) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${hostname}, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [127.0.0.1], hostname: ${hostname}}]
ports: [{name: udp, port: 1, protocol: UDP}, {name: http, port: ${port}, protocol: TCP}]`;

async function setUp(t: TestContext) {
  const undo = undoAfter(t);
  const names = ["web-0", "web-1"];
  const ports = await Promise.all(names.map((name) => startService(undo, (_incoming, response) => response.end(name))));
  const folder = mkdtempSync(join(tmpdir(), "fenceline-pods-"));
  undo(() => rmSync(folder, { recursive: true }));
  const service =
    "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: None, ports: [{name: udp, port: 8080, protocol: UDP}, {name: http, port: 8080}]}}";
  const fence =
    "{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {enable: true}}";
  writeFileSync(join(folder, "mesh.yaml"), [service, ...names.map((name, at) => pod(name, ports[at] ?? 0)), fence].join("\n---\n"));
  const free = { proxyPort: 0, alsPort: 0, apiPort: 0 };
  const logger = pino({ level: "silent" });
  const fenceline = await startStandalone({ folder, host: "127.0.0.1", ...free, demo: false, config: Config.parse({}), logger });
  undo(() => fenceline.close());
  const call = async (host: string) => {
    const { status, body } = await get(fenceline.proxyPort, "/", { host, "fence-source": "test1/a" });
    return status === 200 ? body : `${status} ${/[A-Z]+(?:_[A-Z]+)+/.exec(body)?.[0]}`;
  };
  const edges = async () => {
    const { edges: list } = JSON.parse((await get(fenceline.apiPort, "/api/v1/edges")).body) as {
      edges: { destination: string; ports: number[] }[];
    };
    return list.map(({ destination, ports: seen }) => `${destination}:${seen.join("+")}`);
  };
  return { ports, call, edges };
}

test("T-30 standalone, a name of a pod reaches that pod, by the Service's port and by its own; one that is not there is 503", async (t) => {
  const { ports, call, edges } = await setUp(t);
  for (const [index, name] of ["web-0", "web-1"].entries()) {
    for (const ending of ["web.shop", "web.shop.svc", "web.shop.svc.cluster.local"]) {
      assert.equal(await call(`${name}.${ending}:8080`), name, ending);
      assert.equal(await call(`${name.toUpperCase()}.${ending}.:${ports[index]}`), name, ending);
    }
  }
  await until(async () => (await edges()).length > 0);
  assert.deepEqual(await edges(), ["web.shop.svc.cluster.local:8080"]);
  for (const host of ["web-2.web.shop:8080", "web-2.web.shop.svc.cluster.local:8080", "web-0.web.shop:81"])
    assert.equal(await call(host), "503 NO_ENDPOINTS", host);
});

test("T-30 standalone, a host of three labels that is no pod is what it was: no service of the cluster, or Fenceline itself", async (t) => {
  const { call } = await setUp(t);
  assert.match(await call("www.example.com"), /HOST_NOT_SERVED/);
  assert.match(await call("web-0.ghost.shop:8080"), /HOST_NOT_SERVED/);
  assert.match(await call("x.global-sidecar.fenceline"), /DESTINATION_IS_SELF/);
});
