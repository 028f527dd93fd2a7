/** What proxies need is in every fence that it concerns, called or not, as long as it is needed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FOREIGN_ENVOY_FILTER,
  REQUEST_AUTHENTICATION,
  type ServiceFenceStatus,
  type Sidecar,
  sidecarHosts,
  TRAFFIC_EXTENSION,
} from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";
import { CONFIG_MAPS, FENCE, MESH_CONFIG_MAP, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [FILTERS] = resourcesOf(FOREIGN_ENVOY_FILTER);
const [AUTHENTICATIONS] = resourcesOf(REQUEST_AUTHENTICATION);
const [EXTENSIONS] = resourcesOf(TRAFFIC_EXTENSION);
/** Nothing but time tells that a kind can be read again: rounds follow the window. */
const SHORT = { ...CONFIG, ageing: { ...CONFIG.ageing, idleWindow: "2s", shortestWindow: "1s" } };

const meshConfig = (mesh: object) => ({ metadata: MESH_CONFIG_MAP, data: { mesh: JSON.stringify(mesh) } });
const zipkin = (service: string) => meshConfig({ extensionProviders: [{ name: "zipkin", zipkin: { service, port: 9411 } }] });
const service = (namespace: string, name: string) => ({
  metadata: { namespace, name },
  spec: { clusterIP: "10.0.7.7", ports: [{ name: "http", port: 9411 }] },
});
const filter = (namespace: string, cluster: string, labels = { app: "a" }) => ({
  metadata: { namespace, name: "tap" },
  spec: { workloadSelector: { labels }, configPatches: [{ applyTo: "HTTP_FILTER", patch: { value: { cluster } } }] },
});

async function start(...given: Parameters<typeof startCluster>) {
  const cluster = await startCluster(...given);
  const shown = () => [(cluster.server.get(SIDECARS, FENCE) ?? []) as Sidecar | []].flat().flatMap(sidecarHosts);
  const domains = () => (cluster.server.get(FENCES, FENCE)?.status as Partial<ServiceFenceStatus> | undefined)?.domains ?? {};
  return { ...cluster, shown, domains };
}

test("issue 16: a provider of MeshConfig is in the fence from the first, its status says why, and it goes with the provider", async (t) => {
  const { server, shown, domains } = await start(t, (fake) => {
    fake.put(SERVICES, service("tracing", "zipkin"));
    fake.put(CONFIG_MAPS, zipkin("zipkin.tracing.svc.cluster.local"));
  });
  await until(() => shown().includes("tracing/zipkin.tracing.svc.cluster.local"));
  const said = { source: "required", requiredBy: ["MeshConfig extensionProviders[zipkin]"] };
  await until(() => domains()["zipkin.tracing.svc.cluster.local"] !== undefined);
  const { source, requiredBy } = domains()["zipkin.tracing.svc.cluster.local"] ?? {};
  assert.deepEqual({ source, requiredBy }, said);
  server.put(CONFIG_MAPS, meshConfig({}));
  await until(() => !shown().includes("tracing/zipkin.tracing.svc.cluster.local") && Object.keys(domains()).length === 0);
});

test("issue 16: what the status says of a needed host is not taken for learned by the next leader, and does not outlive the need", async (t) => {
  const { server, shown, domains } = await start(t, (fake) => {
    const fence = fake.get(FENCES, FENCE) as { status?: object };
    const entry = {
      hosts: ["zipkin.tracing.svc.cluster.local"],
      status: "ACTIVE",
      source: "required",
      requiredBy: ["MeshConfig extensionProviders[zipkin]"],
    };
    fake.put(FENCES, { ...fence, status: { domains: { "zipkin.tracing.svc.cluster.local": entry } } });
    fake.put(SERVICES, service("tracing", "zipkin"));
  });
  await until(() => server.get(SIDECARS, FENCE) !== undefined && Object.keys(domains()).length === 0);
  assert.ok(!shown().includes("tracing/zipkin.tracing.svc.cluster.local"));
});

test("issue 16: clusters of EnvoyFilters and keys of RequestAuthentications are in the fences of the pods that they are for", async (t) => {
  const { server, shown, domains } = await start(t, (fake) => {
    for (const name of ["tap", "keys", "other", "root"]) fake.put(SERVICES, service("shop", name));
  });
  server.put(FILTERS, filter("test1", "outbound|9411||tap.shop.svc.cluster.local"));
  server.put(FILTERS, {
    ...filter("test1", "outbound|9411||other.shop.svc.cluster.local", { app: "b" }),
    metadata: { namespace: "test1", name: "b" },
  });
  server.put(FILTERS, filter("istio-system", "outbound|9411||root.shop.svc.cluster.local"));
  const jwtRules = [{ issuer: "shop", jwksUri: "https://keys.shop.svc.cluster.local/keys" }];
  server.put(AUTHENTICATIONS, { metadata: { namespace: "test1", name: "jwt" }, spec: { jwtRules } });
  const host = (name: string) => `shop/${name}.shop.svc.cluster.local`;
  await until(() => ["tap", "keys", "root"].every((name) => shown().includes(host(name))));
  assert.ok(!shown().includes(host("other")), "not what other pods need");
  await until(() => domains()["keys.shop.svc.cluster.local"] !== undefined);
  assert.deepEqual(domains()["keys.shop.svc.cluster.local"]?.requiredBy, ["RequestAuthentication test1/jwt"]);
  server.remove(FILTERS, { namespace: "test1", name: "tap" });
  await until(() => !shown().includes(host("tap")) && shown().includes(host("keys")));
});

test("issue 16: a MeshConfig that may not be read is the fence's condition; an extension's kind that Istio does not have yet is none", async (t) => {
  let grant = () => {};
  const { server, condition, message } = await start(
    t,
    (fake) => {
      fake.uninstall(EXTENSIONS);
      grant = fake.forbid(CONFIG_MAPS, "GET");
    },
    true,
    SHORT,
  );
  await until(() => condition("MeshObjectsSeen") === "False NotPermitted" && server.get(SIDECARS, FENCE) !== undefined);
  assert.match(
    message("MeshObjectsSeen"),
    /^the collector may not read Istio's MeshConfig: hosts of its extensionProviders .*watch of configmaps,/,
  );
  grant();
  await until(() => condition("MeshObjectsSeen") === undefined);
});
