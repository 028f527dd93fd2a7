/** Issue 17: limiters whose quotas follow a real Prometheus. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Config, SMART_LIMITER, type SmartLimiterStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { Exporter, PROMETHEUS_MISSING, startPrometheus } from "@fenceline/prometheus/testing";
import { ENDPOINT_SLICES, ENVOY_FILTERS, SERVICES } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";

const skip = PROMETHEUS_MISSING;
const [LIMITERS] = resourcesOf(SMART_LIMITER) as [Resource];
const place = (name: string) => ({ name, namespace: "test1" });
const rule = (quota: string, action: object = {}) => ({
  condition: "true",
  action: { quota, fillInterval: { seconds: 60 }, staleAfter: "1h", ...action },
});
const limiter = (name: string, descriptor: readonly object[], more: object = {}, generation = 1) => ({
  metadata: { ...place(name), uid: name, generation },
  spec: { sets: { _base: { descriptor } }, workloadSelector: { app: name }, ...more },
});

async function start(t: TestContext, limiters: object, prepare: (server: FakeApiServer) => void) {
  const envoy = await Exporter.start(t);
  const prometheus = await startPrometheus(t, { targets: [envoy.target], scrapeInterval: "100ms" });
  const telemetry = { prometheus: { servers: [{ url: prometheus.url }], timeout: "2s" } };
  const config = Config.parse({ ...CONFIG, telemetry, limiters: { interval: "100ms", ...limiters } });
  const cluster = await startCluster(t, prepare, true, config);
  const { server } = cluster;
  const statusOf = (name: string) => (server.get(LIMITERS, place(name))?.status ?? {}) as SmartLimiterStatus;
  const quotas = (name: string) => statusOf(name).quotas;
  const condition = (name: string, type: string) => {
    const { status, reason } = statusOf(name).conditions?.find((each) => each.type === type) ?? {};
    return `${status} ${reason}`;
  };
  const message = (name: string, type: string) => statusOf(name).conditions?.find((each) => each.type === type)?.message ?? "";
  const rendered = (name: string) => JSON.stringify(server.get(ENVOY_FILTERS, place(`${name}.test1.ratelimit`)) ?? {});
  return { envoy, prometheus, cluster, server, statusOf, quotas, condition, message, rendered };
}

const QPS = { metrics: { qps: { query: 'qps{namespace="$namespace"}' } } };

test("issue 17: a quota follows a metric of the configuration up and down, and is in the EnvoyFilter", { skip }, async (t) => {
  const { envoy, quotas, rendered, statusOf, condition } = await start(t, QPS, (server) =>
    server.put(LIMITERS, limiter("a", [rule("qps * 2")])),
  );
  envoy.set("qps", { namespace: "other" }, 7);
  envoy.set("qps", { namespace: "test1" }, 50);
  for (const [qps, quota] of [
    [50, 100],
    [60, 120],
    [5, 10],
  ] as const) {
    envoy.set("qps", { namespace: "test1" }, qps);
    await until(() => quotas("a") === `${quota}/60s`);
    await until(() => rendered("a").includes(`"max_tokens":${quota}`));
    assert.equal(statusOf("a").metricStatus?.qps, String(qps));
  }
  assert.equal(condition("a", "Stale"), "False ValuesKnown");
});

test("issue 17: values that alone change are no reason to write a status", { skip }, async (t) => {
  const { envoy, quotas, server, cluster } = await start(t, QPS, (fake) => fake.put(LIMITERS, limiter("a", [rule("min(qps, 10)")])));
  envoy.set("qps", { namespace: "test1" }, 100);
  await until(() => quotas("a") === "10/60s");
  await cluster.collector.idle();
  const version = server.get(LIMITERS, place("a"))?.metadata.resourceVersion;
  const answers = async () => Number(/^fenceline_prometheus_answers_total{result="ok"} (\d+)/m.exec(await cluster.metrics())?.[1]);
  const before = await answers();
  for (let round = 0; round < 5; round++) {
    const seen = await answers();
    envoy.set("qps", { namespace: "test1" }, 101 + round);
    await until(async () => (await answers()) > seen + 2);
  }
  assert.ok((await answers()) > before);
  assert.equal(server.get(LIMITERS, place("a"))?.metadata.resourceVersion, version);
});

test("issue 17: each set has the values of its own ready pods, also of pods that come", { skip }, async (t) => {
  const metrics = { cpu: { query: 'sum(cpu{pod=~"$pod_name"})' } };
  const slice = (...pods: readonly string[]) => ({
    metadata: { ...place("a-1"), labels: { "kubernetes.io/service-name": "a" } },
    endpoints: pods.map((name, at) => ({
      addresses: [`10.0.1.${at + 1}`],
      conditions: { ready: name !== "a-unready" },
      targetRef: { kind: "Pod", name },
    })),
    ports: [{ name: "http", port: 8080 }],
  });
  const { envoy, quotas, server } = await start(t, { metrics }, (fake) => {
    fake.put(SERVICES, { metadata: place("a"), spec: { selector: { app: "a" }, ports: [{ name: "http", port: 80 }] } });
    fake.put(ENDPOINT_SLICES, slice("a-1", "a.2", "a-unready"));
    fake.put(LIMITERS, limiter("a", [rule("_base.cpu")], { workloadSelector: {} }));
  });
  for (const [pod, cpu] of Object.entries({ "a-1": 10, "a.2": 20, ax2: 400, "a-unready": 800, "a-3": 40 })) envoy.set("cpu", { pod }, cpu);
  await until(() => quotas("a") === "30/60s");
  server.put(ENDPOINT_SLICES, slice("a-1", "a.2", "a-3"));
  await until(() => quotas("a") === "70/60s");
});

test("issue 17: a query that fails concerns its limiter alone, and its conditions say why", { skip }, async (t) => {
  const own = (query: string) => ({ metrics: { load: { query } } });
  const { envoy, quotas, condition, message, cluster } = await start(t, { ownQueries: true }, (server) => {
    server.put(LIMITERS, limiter("a", [rule("load", { fallback: 3 })], own("sum(")));
    server.put(LIMITERS, limiter("b", [rule("load", { fallback: 3 })], own("load")));
    server.put(LIMITERS, limiter("c", [rule("load")], own("max(load)")));
    server.put(LIMITERS, limiter("d", [rule("default(load, 9)")], own("nothing_at_all")));
  });
  envoy.set("load", { of: "one" }, 40);
  envoy.set("load", { of: "other" }, 41);
  await until(() => quotas("c") === "41/60s" && condition("c", "Stale") === "False ValuesKnown");
  await until(
    () => condition("a", "Stale") === "True ValuesMissing" && /load: PROMETHEUS_BAD_DATA: .*parse error/.test(message("a", "Stale")),
  );
  await until(() => /load: PROMETHEUS_AMBIGUOUS: .*2 series/.test(message("b", "Stale")));
  assert.deepEqual([quotas("a"), quotas("b")], ["3/60s", "3/60s"]);
  await until(() => quotas("d") === "9/60s" && condition("d", "Stale") === "False DefaultsUsed");
  assert.match(message("d", "Stale"), /load: the query gives no number/);
  const [line] = cluster.lines.filter(({ msg }) => msg === "query for a limiter failed, the others go on");
  assert.deepEqual([line?.metric, String(line?.code).startsWith("PROMETHEUS_")], ["load", true]);
});

test("issue 17: without an answer the last quota stays, then the fallback counts, and the values have it again", { skip }, async (t) => {
  const { envoy, prometheus, quotas, condition, message, server } = await start(t, QPS, (fake) =>
    fake.put(LIMITERS, limiter("a", [rule("qps", { staleAfter: "1h", fallback: 3 })])),
  );
  envoy.set("qps", { namespace: "test1" }, 50);
  await until(() => quotas("a") === "50/60s");
  await prometheus.stop();
  await until(() => condition("a", "Stale") === "False ValuesLate" && /qps: PROMETHEUS_UNREACHABLE/.test(message("a", "Stale")));
  assert.equal(quotas("a"), "50/60s");
  server.put(LIMITERS, {
    ...server.get(LIMITERS, place("a")),
    ...limiter("a", [rule("qps", { staleAfter: "500ms", fallback: 3 })], {}, 2),
  });
  await until(() => condition("a", "Stale") === "True ValuesMissing" && quotas("a") === "3/60s");
  await prometheus.start();
  await until(() => condition("a", "Stale") === "False ValuesKnown" && quotas("a") === "50/60s");
});

test("issue 17: a limiter's own queries are not asked where the configuration does not allow them, and it says so", { skip }, async (t) => {
  const { quotas, condition, message, server } = await start(t, QPS, (fake) => {
    fake.put(LIMITERS, limiter("a", [rule("load"), rule("7")], { metrics: { load: { query: "vector(1)" } } }));
  });
  await until(() => condition("a", "Accepted") === "False RuleInvalid");
  assert.match(message("a", "Accepted"), /spec\.metrics: queries of limiters are not asked here: .*limiters\.ownQueries/);
  assert.match(message("a", "Accepted"), /nothing provides load/);
  await until(() => quotas("a") === "7/60s");
  assert.ok(server.get(LIMITERS, place("a")));
});

test("issue 17: a replica that takes over goes on from what the one before decided", { skip }, async (t) => {
  const { envoy, prometheus, cluster, quotas, rendered } = await start(t, QPS, (fake) =>
    fake.put(LIMITERS, limiter("a", [rule("qps", { fallback: 3 })])),
  );
  envoy.set("qps", { namespace: "test1" }, 50);
  await until(() => quotas("a") === "50/60s" && rendered("a").includes('"max_tokens":50'));
  const { leadership } = cluster;
  leadership.leads = false;
  await prometheus.stop();
  leadership.leads = true;
  cluster.collector.lead();
  await cluster.collector.idle();
  assert.equal(quotas("a"), "50/60s");
  assert.match(rendered("a"), /"max_tokens":50/);
});
