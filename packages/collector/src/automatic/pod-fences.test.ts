/** Fences for the values of a label of pods, which a real collector makes and deletes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, POD } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { NAMESPACES, PODS, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { pino } from "pino";
import { CollectorMetrics } from "../metrics.ts";
import { startCluster, startReplica } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";
import { AutomaticFences } from "./automatic-fences.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const REPORT = { namespace: "batch", name: "job-report.workload.identity" };
const WEB = { namespace: "batch", name: "web" };

function configOf(podLabel: object = { key: "job-name", alias: "job" }, create = "Labelled"): Config {
  return Config.parse({ ...CONFIG, automaticFences: { create, podLabel } });
}

function batch(server: FakeApiServer, labels: object = {}): void {
  server.put(NAMESPACES, { metadata: { name: "batch", labels } });
}

function pod(server: FakeApiServer, name: string, labels: Readonly<Record<string, string>>): void {
  server.put(PODS, { metadata: { namespace: "batch", name, labels } });
}

test("row 35, 36: pods of a Job without a Service have one fence for all, which goes with the last of them", async (t) => {
  const prepare = (server: FakeApiServer) => {
    batch(server);
    pod(server, "report-1", { "job-name": "report", app: "report" });
    pod(server, "other", { app: "other" });
  };
  const { server } = await startCluster(t, prepare, true, configOf());
  await until(() => server.get(SIDECARS, REPORT) !== undefined);
  const fence = server.get(FENCES, REPORT) as unknown as { metadata: { labels: object }; spec: object };
  assert.deepEqual(fence.metadata.labels, {
    "app.kubernetes.io/created-by": "fence-controller",
    "app.kubernetes.io/managed-by": "fenceline",
  });
  assert.deepEqual(fence.spec, { enable: true, workloadSelector: { labels: { "job-name": "report" } } });
  assert.deepEqual((server.get(SIDECARS, REPORT) as unknown as { spec: { workloadSelector: object } }).spec.workloadSelector, {
    labels: { "job-name": "report" },
  });
  pod(server, "report-2", { "job-name": "report", app: "report" });
  pod(server, "night-1", { "job-name": "Night_Run" });
  await until(() => server.list(FENCES).some(({ metadata }) => /^job-night-run-[0-9a-f]{16}\.workload\.identity$/.test(metadata.name)));
  server.remove(PODS, { namespace: "batch", name: "report-1" });
  server.remove(PODS, { namespace: "batch", name: "night-1" });
  await until(() => server.list(FENCES).filter(({ metadata }) => metadata.namespace === "batch").length === 1);
  assert.ok(server.get(FENCES, REPORT), "a pod of it is left");
  server.remove(PODS, { namespace: "batch", name: "report-2" });
  await until(() => server.get(FENCES, REPORT) === undefined && server.get(SIDECARS, REPORT) === undefined);
});

test("row 35: a Service that comes for the pods, and asks, takes the place of their label", async (t) => {
  const prepare = (server: FakeApiServer) => {
    batch(server);
    pod(server, "report-1", { "job-name": "report", app: "report" });
  };
  const { server } = await startCluster(t, prepare, true, configOf());
  await until(() => server.get(SIDECARS, REPORT) !== undefined);
  const spec = { clusterIP: "10.0.0.7", selector: { app: "report" }, ports: [{ name: "http", port: 80 }] };
  server.put(SERVICES, { metadata: { ...WEB, labels: { "slime.io/serviceFenced": "true" } }, spec });
  await until(() => server.get(SIDECARS, WEB) !== undefined && server.get(SIDECARS, REPORT) === undefined);
  assert.equal(server.get(FENCES, REPORT), undefined);
});

test("row 36: fences for pods stay while pods cannot be read, and go when there are none", async (t) => {
  const off = configOf({ key: "job-name" }, "Off");
  const { server } = await startCluster(t, batch, true, off);
  const labels = { "app.kubernetes.io/created-by": "fence-controller", "app.kubernetes.io/managed-by": "fenceline" };
  server.put(FENCES, { metadata: { ...REPORT, labels }, spec: { enable: true, workloadSelector: { labels: { "job-name": "report" } } } });
  const grant = server.forbid(PODS, "GET");
  const config = configOf({ key: "job-name", alias: "job" });
  const { store, collector } = await startReplica(t, server, false, config);
  assert.equal(store.unread(POD), "NotPermitted");
  const state = { now: 0 };
  const fences = new AutomaticFences({
    ...{ store, mesh: () => collector.mesh, config, metrics: new CollectorMetrics(), logger: pino({ level: "silent" }) },
    ...{ leads: () => true, clock: () => state.now, grace: 20 },
  });
  t.after(() => fences.close());
  t.after(store.onChange((changes) => fences.changed(changes)));
  fences.refresh();
  state.now += 1_000;
  fences.refresh();
  await fences.idle();
  assert.equal(server.count("DELETE"), 0);
  grant();
  await until(() => store.unread(POD) === undefined);
  // Any change tells it to look again.
  batch(server, { any: "change" });
  await until(() => {
    state.now += 20;
    return server.count("DELETE") > 0;
  });
});

test("row 35: of pods an API server is asked for the metadata of those alone that have the label, and without a label for none", async (t) => {
  const { server } = await startCluster(t, batch, true, configOf());
  const asked = server.requests.filter(({ path }) => path === "/api/v1/pods");
  assert.ok(asked.length > 0);
  for (const { query, accept } of asked) {
    assert.equal(query.get("labelSelector"), "job-name");
    assert.match(accept, /^application\/json;as=PartialObjectMetadata/);
  }
  const without = await startCluster(t, batch, true, configOf({ key: "" }));
  assert.deepEqual(
    without.server.requests.filter(({ path }) => path === "/api/v1/pods"),
    [],
  );
});
