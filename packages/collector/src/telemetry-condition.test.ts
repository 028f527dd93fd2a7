/** T-16: the condition that tells of telemetry goes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { CALLED, openStream } from "./testing/access-log-stream.ts";
import { startCluster, startReplica } from "./testing/cluster.ts";
import { CAPTURED_MESH } from "./testing/mesh.ts";
import { type RunningCollector, startCollector } from "./testing/running-collector.ts";

const MESH = CAPTURED_MESH.replace("spec: {enable: true}", "spec: {enable: true, idleWindow: 10s}");

function conditionOf({ read }: RunningCollector) {
  const [, status, reason, message] =
    /type: TelemetryFlowing\n\s+status: "?(\w+)"?\n\s+reason: (\w+)\n\s+message: ((?:.|\n\s{6,})*)/.exec(
      read("state/test1/ServiceFence-a.yaml"),
    ) ?? [];
  return { is: `${status} ${reason}`, message: message ?? "" };
}

test("T-16 telemetry is quiet while streams are open and nobody calls, is lost with them and since when, and arrives again", async (t) => {
  const running = await startCollector(t, MESH);
  assert.equal(conditionOf(running).is, "Unknown NothingYet");
  const first = openStream(t, running.collector);
  first.call();
  await until(() => conditionOf(running).is === "True AccessLogsArrive");
  await until(() => conditionOf(running).is === "True Quiet");
  first.call();
  await until(() => conditionOf(running).is === "True AccessLogsArrive");
  const before = Date.now();
  first.close();
  await until(() => conditionOf(running).is === "False StreamsLost");
  const since = Date.parse(/ since (\S+Z)/.exec(conditionOf(running).message.replaceAll(/\s+/g, " "))?.[1] ?? "");
  assert.ok(since >= before && since <= Date.now(), conditionOf(running).message);
  openStream(t, running.collector).call();
  await until(() => conditionOf(running).is === "True AccessLogsArrive");
});

test("T-16 streams of pods that a fence selects no more are not its own, also while nobody calls", async (t) => {
  const running = await startCollector(t, MESH);
  const labels = { app: "a" };
  openStream(t, running.collector, { id: "sidecar~10.77.1.5~a-1.test1~test1.svc.cluster.local", namespace: "test1", labels }).call();
  await until(() => conditionOf(running).is === "True AccessLogsArrive");
  running.write("mesh.yaml", MESH.replace("idleWindow: 10s", "idleWindow: 10s, workloadSelector: {labels: {app: mistyped}}"));
  await until(() => conditionOf(running).is === "False StreamsLost");
  running.write("mesh.yaml", MESH);
  openStream(t, running.collector, { id: "sidecar~10.77.1.6~a-2.test1~test1.svc.cluster.local", namespace: "test1", labels }).call();
  await until(() => conditionOf(running).is === "True AccessLogsArrive");
});

test("T-16 a stream that is replaced at once, as proxies do every half an hour, is no news", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  const first = openStream(t, running.collector);
  first.call();
  await until(() => conditionOf(running).is === "True AccessLogsArrive");
  const lost: string[] = [];
  const stop = running.collector.metrics;
  first.close();
  openStream(t, running.collector).call();
  await until(async () => /^fenceline_access_log_entries_total 2$/m.test(await stop.metrics()));
  const end = performance.now() + 1_500;
  await until(() => {
    if (!conditionOf(running).is.startsWith("True")) lost.push(conditionOf(running).is);
    return performance.now() > end;
  });
  assert.deepEqual(lost, []);
});

test("T-16 of a fence that is off no access log is asked for, and that its streams end is not told as a loss", async (t) => {
  const off = CAPTURED_MESH.replace("spec: {enable: true}", "spec: {enable: false}");
  const running = await startCollector(t, off);
  const stream = openStream(t, running.collector);
  stream.call();
  await until(() => running.read("state/test1/ServiceFence-a.yaml").includes(CALLED));
  stream.close();
  const { collector } = running;
  await until(async () => /^fenceline_access_log_streams 0$/m.test(await collector.metrics.metrics()));
  assert.equal(conditionOf(running).is, "Unknown NotAsked");
  assert.doesNotMatch(conditionOf(running).message, /next call/);
});

test("T-16 a stream that another replica has is told by the leader at once, whichever of them had it before, also with a long window", async (t) => {
  const { server, collector, condition, message } = await startCluster(t);
  const follower = await startReplica(t, server, false);
  await until(() => condition("TelemetryFlowing") === "Unknown NothingYet");
  const first = openStream(t, follower.collector);
  first.call();
  await until(() => condition("TelemetryFlowing") === "True AccessLogsArrive");
  assert.match(message("TelemetryFlowing"), /by another replica/);
  first.close();
  const second = openStream(t, collector);
  second.call();
  await until(() => message("TelemetryFlowing").startsWith("access logs of this workload's proxies arrive"));
  second.close();
  await until(() => condition("TelemetryFlowing") === "False StreamsLost");
  openStream(t, follower.collector).call();
  await until(() => condition("TelemetryFlowing") === "True AccessLogsArrive");
});
