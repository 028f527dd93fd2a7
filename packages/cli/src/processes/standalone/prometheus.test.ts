import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { Exporter, PROMETHEUS_MISSING, startPrometheus } from "@fenceline/prometheus/testing";
import { get, runToEnd, startFenceline } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

const MESH = `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}, spec: {ports: [{name: http, port: 80}]}}
---
{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {enable: true}}
`;

test("standalone learns from the Prometheus of its configuration", { skip: PROMETHEUS_MISSING }, async (t) => {
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-prometheus-"));
  undo(() => rmSync(folder, { recursive: true }));
  const envoy = await Exporter.start(t);
  envoy.add("istio_requests_total", {
    reporter: "source",
    source_workload: "a",
    source_workload_namespace: "test1",
    source_app: "a",
    destination_service: "b.shop.svc.cluster.local",
    destination_service_name: "b",
    response_code: "200",
  });
  const { url } = await startPrometheus(t, { targets: [envoy.target] });
  const [mesh, config] = [join(folder, "mesh"), join(folder, "config.yaml")];
  writeFileSync(config, `telemetry: {prometheus: {servers: [{url: "${url}"}], interval: 200ms}}\n`);
  const fenceline = await startFenceline(mesh, "--no-demo", "--config", config);
  undo(async () => {
    fenceline.kill("SIGTERM");
    await fenceline.ended;
  });
  writeFileSync(join(mesh, "mesh.yaml"), MESH);
  const sidecar = join(mesh, "rendered/test1/Sidecar-a.yaml");
  await until(() => existsSync(sidecar) && readFileSync(sidecar, "utf8").includes("shop/b.shop.svc.cluster.local"));
  assert.ok(fenceline.lines().some(({ msg }) => msg === "Prometheus is asked for calls"));
  const { body } = await get(fenceline.apiPort, "/metrics");
  assert.match(body, /^fenceline_prometheus_series_total\{result="seen"\} [1-9]/m);
  fenceline.kill("SIGTERM");
  assert.equal((await fenceline.ended).code, 0);
});

test("a configuration of Prometheus that cannot be meant is refused where it stands", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-prometheus-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, "config.yaml");
  writeFileSync(config, "telemetry:\n  prometheus:\n    servers:\n    - url: prometheus:9090\n");
  const { code, stderr } = await runToEnd(["standalone", "--dir", join(folder, "mesh"), "--no-demo", "--config", config]);
  assert.equal(code, 2);
  assert.match(stderr, /CONFIG_INVALID: .*config\.yaml:4 telemetry\.prometheus\.servers\[0\]\.url: not an address of a server/);
});
