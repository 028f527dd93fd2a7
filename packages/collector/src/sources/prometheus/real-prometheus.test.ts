/**
 * A real Prometheus, which scrapes what the Envoys of workloads would tell, and a whole collector.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Config, OWN_KINDS } from "@fenceline/api";
import { PUMP, until } from "@fenceline/api/testing";
import { Exporter, PROMETHEUS_MISSING, startPrometheus } from "@fenceline/prometheus/testing";
import { DRIVERS } from "../../kinds.ts";
import { CONFIG } from "../../testing/mesh.ts";
import { pumps } from "../../testing/pumps.ts";
import { startCollector } from "../../testing/running-collector.ts";

const skip = PROMETHEUS_MISSING;
const A = { namespace: "test1", name: "a" };
const SIDECAR = "rendered/test1/Sidecar-a.yaml";

const HTTP = "[{name: http, port: 80}]";
const service = (name: string, ports = HTTP, namespace = "shop") =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ${namespace}}, spec: {selector: {app: ${name}}, ports: ${ports}}}`;
const fence = (name: string, namespace = "test1") =>
  `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: ${namespace}}, spec: {enable: true}}`;
const MESH = [
  service("b"),
  service("c"),
  service("tcp", "[{name: tcp, port: 7000}]"),
  service("global-sidecar", HTTP, CONFIG.namespace),
  fence("a"),
].join("\n---\n");

const hostOf = (name: string) => `${name}.shop.svc.cluster.local`;

/** The labels that Istio's metrics have. */
function labels(destination: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    reporter: "source",
    source_workload: "a-v1",
    source_workload_namespace: "test1",
    source_app: "a",
    source_version: "v1",
    source_canonical_service: "a",
    destination_service: destination,
    destination_service_name: destination.split(".")[0] ?? "",
    response_code: "200",
    ...more,
  };
}

const call = (envoy: Exporter, destination: string, more: Readonly<Record<string, string>> = {}) =>
  envoy.add("istio_requests_total", labels(destination, more));

async function start(t: TestContext, settings: object = {}, manifests = MESH, ageing: object = {}) {
  const envoy = await Exporter.start(t);
  const prometheus = await startPrometheus(t, { targets: [envoy.target], scrapeInterval: "100ms" });
  const config = Config.parse({
    ...CONFIG,
    ageing,
    telemetry: { prometheus: { servers: [{ url: prometheus.url }], interval: "100ms", window: "1s", ...settings } },
  });
  const running = await startCollector(t, manifests, undefined, { config });
  const hosts = () => Object.keys(running.collector.reader.describe(A)?.status.domains ?? {}).sort();
  const metric = async (series: string) => {
    const line = (await running.collector.metrics.metrics()).split("\n").find((text) => text.startsWith(`${series} `));
    return Number(line?.split(" ").at(-1) ?? 0);
  };
  return { envoy, prometheus, running, hosts, metric, config };
}

test("a call that Envoy counts and Prometheus scrapes teaches the fence its host, and the Sidecar shows it", { skip }, async (t) => {
  const { envoy, running, hosts } = await start(t);
  call(envoy, hostOf("b"));
  await until(() => running.read(SIDECAR).includes(hostOf("b")));
  assert.deepEqual(hosts(), [hostOf("b")]);
  envoy.add("istio_tcp_connections_opened_total", labels(hostOf("tcp"), { response_code: "" }));
  await until(() => hosts().includes(hostOf("tcp")));
  const { status } = running.collector.reader.describe(A) ?? {};
  const { requests = 0, ports, source } = status?.domains[hostOf("b")] ?? {};
  assert.deepEqual([requests >= 1, ports, source], [true, [80], "learned"]);
});

test("calls to hosts that are not of the mesh, refused calls and those of others teach nothing", { skip }, async (t) => {
  const { envoy, hosts, metric } = await start(t, {}, `${MESH}\n---\n${fence("z")}`);
  call(envoy, "unknown", { destination_service_name: "unknown" });
  call(envoy, hostOf("c"), { destination_service_name: "PassthroughCluster" });
  call(envoy, "elsewhere.example", { destination_service_name: "elsewhere.example" });
  call(envoy, "c.shop");
  call(envoy, `global-sidecar.${CONFIG.namespace}.svc.cluster.local`);
  call(envoy, hostOf("c"), { reporter: "destination" });
  call(envoy, hostOf("c"), { response_code: "403" });
  call(envoy, hostOf("c"), { source_app: "other", source_workload: "other", source_canonical_service: "other" });
  call(envoy, hostOf("c"), { source_workload_namespace: "test2" });
  call(envoy, hostOf("b"));
  await until(() => hosts().includes(hostOf("b")));
  const drops = ["unknown_destination", "denied", "unknown_source"].map((result) =>
    metric(`fenceline_prometheus_series_total{result="${result}"}`),
  );
  for (const count of await Promise.all(drops)) assert.ok(count > 0);
  assert.deepEqual(hosts(), [hostOf("b")]);
});

test("T-04 a pod is not believed in what it says of workloads of other namespaces, where the scrape tells its own", { skip }, async (t) => {
  const { envoy, hosts, running, metric } = await start(t, { namespaceLabel: "pod_namespace", history: "1h" });
  call(envoy, hostOf("c"), { pod_namespace: "other" });
  call(envoy, hostOf("c"));
  envoy.add("istio_tcp_connections_opened_total", labels(hostOf("tcp"), { response_code: "", pod_namespace: "other" }));
  await until(async () => (await metric('fenceline_prometheus_series_total{result="unbelieved"}')) >= 6);
  const observedUntil = () => running.collector.reader.describe(A)?.status.observedUntil;
  assert.deepEqual([hosts(), observedUntil()], [[], undefined]);
  call(envoy, hostOf("b"), { pod_namespace: "test1" });
  await until(() => hosts().length > 0 && observedUntil() !== undefined);
  assert.deepEqual(hosts(), [hostOf("b")]);
});

test("a new fence begins with what was called before it came", { skip }, async (t) => {
  const { envoy, prometheus, running, metric } = await start(t, { history: "1h" });
  call(envoy, hostOf("c"), { source_app: "late", source_workload: "late", source_canonical_service: "late" });
  // Older than a window, so that only the history has it.
  await until(async () => {
    const query = new URLSearchParams({ query: 'istio_requests_total{source_app="late"} offset 1500ms' });
    const { data } = (await (await fetch(`${prometheus.url}/api/v1/query?${query}`)).json()) as { data: { result: unknown[] } };
    return data.result.length > 0;
  });
  running.write("late.yaml", fence("late"));
  const late = { namespace: "test1", name: "late" };
  await until(() => running.collector.reader.describe(late)?.status.domains[hostOf("c")] !== undefined);
  await until(() => running.read("rendered/test1/Sidecar-late.yaml").includes("shop/c.shop"));
  assert.ok((await metric('fenceline_prometheus_answers_total{result="ok"}')) > 0);
});

/** A short window, in observed time. */
const AGEING = { idleWindow: "2s", shortestWindow: "100ms" };

test("a host that is called no more leaves after its window, and one that is called stays", { skip }, async (t) => {
  const { envoy, running, hosts } = await start(t, {}, MESH, AGEING);
  call(envoy, hostOf("c"));
  const calling = setInterval(() => call(envoy, hostOf("b")), 50);
  t.after(() => clearInterval(calling));
  await until(() => hosts().length === 2);
  await until(() => hosts().length === 1);
  assert.deepEqual(hosts(), [hostOf("b")]);
  await until(() => !running.read(SIDECAR).includes(hostOf("c")));
});

test("nothing ages while nobody scrapes, and while Prometheus does not answer, however long that is", { skip }, async (t) => {
  const { envoy, prometheus, hosts, metric, running } = await start(t, {}, MESH, AGEING);
  for (const host of ["b", "c"]) call(envoy, hostOf(host));
  await until(() => hosts().length === 2);
  const answers = (result: string) => metric(`fenceline_prometheus_answers_total{result="${result}"}`);
  const observedUntil = () => running.collector.reader.describe(A)?.status.observedUntil ?? "";
  await until(() => observedUntil() !== "");
  envoy.up(false);
  const scraped = await answers("ok");
  // Far more rounds than a window has.
  await until(async () => (await answers("ok")) > scraped + 40);
  assert.equal(hosts().length, 2);
  await prometheus.stop();
  await until(async () => (await answers("unreachable")) > 40);
  assert.equal(hosts().length, 2);
  const until1 = observedUntil();
  await prometheus.start();
  envoy.up(true);
  await until(() => observedUntil() > until1);
  await until(() => hosts().length === 0);
});

test("Slime's queries for each fence go on to work, beside the one query for all", { skip }, async (t) => {
  const query = 'sum(legacy_calls_total{source_app="$source_app",namespace="$namespace"})by(destination_service)';
  const { envoy, hosts } = await start(t, { handlers: { destination: { query, type: "Group" }, bad: { query: "sum(" } } });
  envoy.add("legacy_calls_total", { source_app: "a", namespace: "test1", destination_service: hostOf("c") });
  envoy.add("legacy_calls_total", { source_app: "a", namespace: "test2", destination_service: hostOf("b") });
  await until(() => hosts().length > 0);
  assert.deepEqual(hosts(), [hostOf("c")]);
});

test("a kind that reads numbers has those of the Prometheus that is configured", { skip }, async (t) => {
  const { envoy, prometheus, config } = await start(t);
  envoy.set("load", {}, 41);
  const quota = "sum(load) + 1";
  const stage = `{name: only, listenerType: Inbound, fillInterval: {seconds: 1}, quota: "${quota}"}`;
  const pump = `{apiVersion: test.fenceline.io/v1, kind: Pump, metadata: {name: a, namespace: test1}, spec: {pressure: 80, stages: [${stage}]}}`;
  assert.ok(prometheus.url);
  const running = await startCollector(t, pump, undefined, { config, drivers: { ...DRIVERS, Pump: pumps } }, [...OWN_KINDS, PUMP]);
  await until(() => /quota: 42/.test(running.read("rendered/test1/EnvoyFilter-pump-a.yaml")));
});
