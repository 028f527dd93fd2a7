import assert from "node:assert/strict";
import { test } from "node:test";
import { CONFIG_MAPS } from "./testing/resources.ts";
import { MESH_CONFIG_MAP, openStore } from "./testing/store-under-test.ts";

async function read(t: Parameters<typeof openStore>[0], mesh: string) {
  const { store, troubles } = await openStore(t, (fake) => fake.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP, data: { mesh } }));
  return { hosts: store.snapshot().meshConfigs?.[0]?.neededHosts, codes: troubles.map(({ code }) => code) };
}

/**
 * Every provider for which istiod looks up a cluster (pilot/pkg/networking/core/tracing.go,
 * pilot/pkg/model/telemetry_logging.go, pilot/pkg/security).
 */
const PROVIDERS = [
  ["zipkin", "zipkin: { service: zipkin.tracing.svc.cluster.local, port: 9411 }"],
  ["datadog", "datadog: { service: datadog.tracing.svc.cluster.local, port: 8126 }"],
  ["skywalking", "skywalking: { service: skywalking.tracing.svc.cluster.local, port: 11800 }"],
  ["opentelemetry", "opentelemetry: { service: tracing/opentelemetry.tracing.svc.cluster.local, port: 4317 }"],
  ["ext-authz-http", "envoyExtAuthzHttp: { service: ext-authz-http.tracing.svc.cluster.local, port: 8000 }"],
  ["ext-authz-grpc", "envoyExtAuthzGrpc: { service: ext-authz-grpc.tracing.svc.cluster.local, port: 9000 }"],
  ["http-als", "envoyHttpAls: { service: http-als.tracing.svc.cluster.local, port: 9000 }"],
  ["tcp-als", "envoyTcpAls: { service: tcp-als.tracing.svc.cluster.local, port: 9000 }"],
  ["otel-als", "envoy_otel_als: { service: otel-als.tracing.svc.cluster.local, port: 4317 }"],
  ["sds", "sds: { name: sds, service: sds.tracing.svc.cluster.local, port: 9000 }"],
] as const;

test("issue 16: the Service of every extension provider is one that proxies need, of whatever type the provider is", async (t) => {
  const mesh = `extensionProviders:\n${PROVIDERS.map(([name, provider]) => `- { name: ${name}, ${provider} }`).join("\n")}
- { name: prometheus, prometheus: {} }
- { name: file, envoyFileAccessLog: { path: /dev/stdout } }`;
  const { hosts, codes } = await read(t, mesh);
  const expected = PROVIDERS.map(([name]) => ({
    reference: `${name === "opentelemetry" ? "tracing/" : ""}${name}.tracing.svc.cluster.local`,
    by: `MeshConfig extensionProviders[${name}]`,
  }));
  assert.deepEqual([hosts, codes], [expected, []]);
});

test("issue 16: so is what a sampler of a tracer asks, in the field's other spelling too", async (t) => {
  const sampler = "dynatraceSampler: { tenant: t, httpService: { service: Sampler.example, port: 80 } }";
  const { hosts } = await read(
    t,
    `extension_providers: [{ name: otel, opentelemetry: { service: otel.example, port: 4317, ${sampler} } }]`,
  );
  assert.deepEqual(
    hosts?.map(({ reference }) => reference),
    ["otel.example", "sampler.example"],
  );
});

test("issue 16: hosts that the proxies' own configuration names are needed: tracers, log and metric services, and environment", async (t) => {
  const mesh = `
defaultConfig:
  discoveryAddress: istiod.istio-system.svc:15012
  tracing: { zipkin: { address: "zipkin.tracing:9411" }, sampling: 10 }
  envoyAccessLogService: { address: "als.logs:9000" }
  envoy_metrics_service: { address: "metrics.logs:9000" }
  proxyMetadata: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel.tracing.svc.cluster.local:4317/v1", ISTIO_META_DNS_CAPTURE: "true" }`;
  assert.deepEqual((await read(t, mesh)).hosts, [
    { reference: "zipkin.tracing", by: "MeshConfig defaultConfig.tracing" },
    { reference: "als.logs", by: "MeshConfig defaultConfig.envoyAccessLogService" },
    { reference: "metrics.logs", by: "MeshConfig defaultConfig.envoyMetricsService" },
    { reference: "otel.tracing.svc.cluster.local", by: "MeshConfig defaultConfig.proxyMetadata" },
  ]);
});

test("issue 16: a MeshConfig without any needs none, and providers that are no list are not believed", async (t) => {
  assert.deepEqual(await read(t, "trustDomain: a\nextensionProviders: [{ name: x }, 7]"), { hosts: undefined, codes: [] });
  assert.deepEqual(await read(t, "extensionProviders: zipkin"), { hosts: undefined, codes: ["MESH_CONFIG_INVALID"] });
});
