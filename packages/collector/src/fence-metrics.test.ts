/** T-19: what can be asked of a collector from outside says how its fences are. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SMART_LIMITER } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { ENDPOINT_SLICES, FENCE, fence, PODS, SERVICE_FENCES, SERVICES } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";
import { CAPTURED_MESH, CONFIG } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const [LIMITERS] = resourcesOf(SMART_LIMITER) as [Resource];
const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const isRendering = ({ method, path }: RecordedRequest) => method === "PATCH" && path.includes("networking.istio.io");
const webhookDown = { status: 500, body: { code: 500, message: "failed calling webhook: connection refused" } };
const SIDECARS_OF = (name: string) => (request: RecordedRequest) => isRendering(request) && request.path.endsWith(`/${name}`);
const other = (name: string) => fence({ metadata: { name, namespace: "test1", uid: name } });

test("T-19 a collector is not ready while nothing can be written, says why, and is ready again with the first write that succeeds", async (t) => {
  let mend = () => {};
  const { collector, condition } = await startCluster(t, (fake) => {
    fake.put(FENCES, other("b"));
    mend = fake.fail(isRendering, webhookDown);
  });
  await until(() => collector.notReady() !== undefined);
  assert.match(collector.notReady() ?? "", /^nothing can be written, WebhookFailed: .*failed calling webhook/);
  mend();
  await until(() => condition("Ready") === "True Rendered");
  await until(() => collector.notReady() === undefined);
});

test("T-19 what stands in the way of one fence among others, or of a replica that does not lead, is no reason not to be ready", async (t) => {
  const { collector, condition, server } = await startCluster(t, (fake) => fake.put(FENCES, other("b")));
  await until(() => condition("Enforced") === "True SidecarRendered");
  server.fail(SIDECARS_OF("c"), webhookDown);
  server.put(FENCES, other("c"));
  const failed = () => server.requests.filter(SIDECARS_OF("c")).length;
  await until(() => failed() >= 3);
  assert.equal(collector.notReady(), undefined);
  const follower = await startCluster(t, (fake) => fake.fail(isRendering, webhookDown), false);
  await follower.collector.idle();
  assert.equal(follower.collector.notReady(), undefined);
});

test("T-19 a fence for which nothing is rendered does not make a collector ready that can write nothing for the others", async (t) => {
  const { collector } = await startCluster(t, (fake) => {
    fake.put(FENCES, { ...other("b"), spec: { enable: true, workloadSelector: { labels: { app: "" } } } });
    fake.fail(isRendering, webhookDown);
  });
  await until(() => collector.notReady() !== undefined);
});

test("T-19 a limiter alone of which nothing can be written is no reason not to be ready beside a fence that is written", async (t) => {
  const isOfLimiter = (request: RecordedRequest) => isRendering(request) && request.path.includes("ratelimit");
  const { collector, condition, server } = await startCluster(t, (fake) => {
    const rule = { condition: "true", action: { quota: "100", fillInterval: { seconds: 60 } } };
    fake.put(LIMITERS, {
      metadata: { name: "l", namespace: "test1" },
      spec: { sets: { _base: { descriptor: [rule] } }, workloadSelector: { app: "l" } },
    });
    fake.fail(isOfLimiter, webhookDown);
  });
  await until(() => condition("Ready") === "True Rendered");
  const tries = server.requests.filter(isOfLimiter).length;
  await until(() => server.requests.filter(isOfLimiter).length >= tries + 3);
  assert.equal(collector.notReady(), undefined);
});

test("T-19 standalone, a folder in which nothing can be written makes the process not ready", async (t) => {
  const { collector, folder } = await startCollector(t, CAPTURED_MESH.replace("enable: true", "enable: false"));
  assert.equal(collector.notReady(), undefined);
  writeFileSync(join(folder, "rendered"), "");
  writeFileSync(join(folder, "mesh.yaml"), CAPTURED_MESH);
  await until(() => collector.notReady()?.startsWith("nothing can be written, WriteFailed"));
});

test("T-19 gauges count fences by mode and by condition, those of which there is none included", async (t) => {
  const { metrics, condition } = await startCluster(t, (fake) => {
    fake.put(FENCES, { ...other("b"), spec: { mode: "Observe" } });
    fake.put(FENCES, { ...other("c"), spec: { enable: false } });
  });
  await until(() => condition("Enforced") === "True SidecarRendered");
  await until(async () => /^fenceline_fences_by_condition\{condition="Ready",status="True"\} 3$/m.test(await metrics()));
  const text = await metrics();
  for (const mode of ["Enforce", "Observe", "Off"]) assert.match(text, new RegExp(`^fenceline_fences_by_mode\\{mode="${mode}"\\} 1$`, "m"));
  assert.match(text, /^fenceline_fences_by_condition\{condition="Enforced",status="True"\} 1$/m);
  assert.match(text, /^fenceline_fences_by_condition\{condition="Enforced",status="False"\} 2$/m);
  assert.match(text, /^fenceline_fences_by_condition\{condition="Conflict",status="True"\} 0$/m);
});

test("T-19 a fence of which no version could be read is counted by its conditions, too", async (t) => {
  const { metrics } = await startCluster(t, (fake) => fake.put(FENCES, { ...other("b"), spec: { workloadSelector: 7 } }));
  await until(async () => /^fenceline_fences_by_condition\{condition="Accepted",status="False"\} 1$/m.test(await metrics()));
  assert.match(await metrics(), /^fenceline_fences_by_condition\{condition="Ready",status="False"\} 1$/m);
});

test("T-19 every counter has its series from the start", async (t) => {
  const { collector } = await startCollector(t, "");
  const text = await collector.metrics.metrics();
  const counters = [...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name ?? "");
  assert.ok(counters.length > 8);
  for (const name of counters) assert.match(text, new RegExp(`^${name}(?:\\{[^}]*\\})? 0$`, "m"), name);
  for (const series of [
    'dropped_total{reason="no_certificate"}',
    'writes_total{kind="Sidecar",action="delete"}',
    'reconciles_total{kind="ServiceFence",result="error"}',
  ])
    assert.ok(text.includes(`${series} 0`), series);
});

test("T-19 a fence that selects no pod says so, until a Service for its pods has a ready endpoint", async (t) => {
  const config = { ...CONFIG, ageing: { ...CONFIG.ageing, idleWindow: "10s" } };
  const { server, condition, message, collector } = await startCluster(t, undefined, true, config);
  await until(() => condition("WorkloadFound") === "False NoPodSeen");
  assert.match(message("WorkloadFound"), /spec\.workloadSelector/);
  await collector.idle();
  const writes = () => server.requests.filter(({ method, path }) => method === "PATCH" && path.endsWith("/servicefences/a/status")).length;
  const before = writes();
  server.put(SERVICES, { metadata: FENCE, spec: { selector: { app: "a", tier: "x" }, ports: [{ name: "http", port: 80 }] } });
  server.put(ENDPOINT_SLICES, {
    metadata: { name: "a-1", namespace: "test1", labels: { "kubernetes.io/service-name": "a" } },
    endpoints: [{ addresses: ["10.0.1.1"] }],
    ports: [{ name: "http", port: 80 }],
  });
  await until(() => condition("WorkloadFound") === undefined);
  assert.equal(writes() - before, 1);
});

test("T-19 a quiet workload without a Service is found by its pods; it is not while there is none", async (t) => {
  const pod = { metadata: { name: "job-1", namespace: "test1", labels: { app: "a", "job-name": "job" } } };
  const { server, condition } = await startCluster(t, (fake) => fake.put(PODS, pod));
  await until(() => condition("WorkloadFound") === "True PodsKnown");
  const [question] = server.requests.filter(({ path }) => path.endsWith("/pods"));
  assert.deepEqual([question?.query.get("labelSelector"), question?.query.get("limit")], ["app=a", "1"]);

  const other = await startCluster(t, (fake) => fake.put(PODS, { metadata: { ...pod.metadata, labels: { app: "b" } } }));
  await until(() => other.condition("WorkloadFound") === "False NoPodSeen");
  other.server.put(PODS, pod);
  await until(() => other.condition("WorkloadFound") === "True PodsKnown");
});

test("T-19 no pod is none also where the API server says so as it does of metadata: null in place of an empty list", async (t) => {
  const body = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata: { resourceVersion: "7" }, items: null };
  const { condition } = await startCluster(t, (fake) => void fake.fail(({ path }) => path.endsWith("/pods"), { status: 200, body }));
  await until(() => condition("WorkloadFound")?.startsWith("True") === false);
  assert.equal(condition("WorkloadFound"), "False NoPodSeen");
});

test("T-19 where pods may not be listed nobody says that there is none", async (t) => {
  const { condition, message } = await startCluster(t, (fake) => {
    fake.fail(({ path }) => path.endsWith("/pods"), { status: 403, body: { code: 403, message: "pods is forbidden" } });
  });
  await until(() => condition("WorkloadFound") === "Unknown PodsNotKnown");
  assert.match(message("WorkloadFound"), /cannot be listed/);
});

test("T-19 a Service that has no ready endpoint any more does not tell of pods", async (t) => {
  const endpoints = {
    metadata: { name: "a-1", namespace: "test1", labels: { "kubernetes.io/service-name": "a" } },
    endpoints: [{ addresses: ["10.0.1.1"] }],
    ports: [{ name: "http", port: 80 }],
  };
  const { server, condition, collector } = await startCluster(t, (fake) => {
    fake.put(SERVICES, { metadata: FENCE, spec: { selector: { app: "a" }, ports: [{ name: "http", port: 80 }] } });
    fake.put(ENDPOINT_SLICES, endpoints);
  });
  await until(() => condition("Enforced") === "True SidecarRendered");
  await collector.idle();
  assert.equal(condition("WorkloadFound"), undefined, "nobody had to ask");
  server.put(ENDPOINT_SLICES, { ...endpoints, endpoints: [] });
  await until(() => condition("WorkloadFound") === "False NoPodSeen");
});
