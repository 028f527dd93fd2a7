import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { Config } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { pino } from "pino";
import { CAPTURED_MESH, CONFIG } from "./testing/mesh.ts";
import { startCollector } from "./testing/running-collector.ts";

const SIDECAR = "rendered/test1/Sidecar-a.yaml";
const FILTER = "rendered/test1/EnvoyFilter-a.yaml";
const STATE = "state/test1/ServiceFence-a.yaml";
const B = "b.test1.svc.cluster.local";
const TCPSVC = "tcpsvc.test1.svc.cluster.local";

/** One message of a's own proxy that reports calls to these hosts. */
function calls(...hosts: (readonly [host: string, port: number])[]): Buffer {
  return encodeAccessLogMessage({
    identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
    entries: hosts.map(([host, port]) => ({
      authority: host,
      upstreamCluster: `outbound|${port}||${host}`,
      responseCode: 200,
      requests: 1,
    })),
  });
}

test("a reported edge is in the Sidecar and in the state; a restart still knows it", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  assert.doesNotMatch(running.read(SIDECAR), new RegExp(B));
  await running.send([calls([B, 80])]);
  await running.collector.idle();
  assert.match(running.read(SIDECAR), new RegExp(`- test1/${B}\n`));
  assert.match(running.read(STATE), /source: learned/);
  const again = await running.restart();
  assert.match(again.read(SIDECAR), new RegExp(`- test1/${B}\n`));
});

test("T-11 however many requests are counted, the state can be read by the next start, and a broken one ends no start", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send([calls([B, 80], [TCPSVC, 7000])]);
  await running.collector.idle();
  const replace = (from: string | RegExp, to: string) => running.write(STATE, running.read(STATE).replace(from, to));
  const again = await running.restart(() => replace("requests: 1\n", `requests: ${Number.MAX_SAFE_INTEGER}\n`));
  await again.send([calls([B, 80], [TCPSVC, 7000])]);
  const third = await again.restart(() => assert.match(running.read(STATE), /requests: 9007199254740991\n/));
  assert.match(third.read(SIDECAR), new RegExp(`- test1/${B}\n`));
  const fourth = await third.restart(() =>
    replace(/requests: 9007199254740991\n +ports/, "requests: 9007199254740993\n    ports: soon\n    x"),
  );
  for (const host of [B, TCPSVC]) assert.match(fourth.read(SIDECAR), new RegExp(`- test1/${host}\n`));
});

test("T-14 a window of a millisecond writes the status once a second at most, forgets nothing, and its condition says what counts", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH.replace("{enable: true}", "{enable: true, idleWindow: 1ms}"));
  const start = performance.now();
  await running.send([calls(["web.shop.svc.cluster.local", 8080])]);
  for (let n = 0; n < 40; n += 1) await running.send([calls([B, 80])]);
  while (performance.now() - start < 800) await running.send([calls([B, 80])]);
  await running.collector.idle();
  const { body } = await running.request("/metrics");
  const writes = Number(/^fenceline_status_writes_total\{kind="ServiceFence"\} (\d+)$/m.exec(body)?.[1]);
  // The first conditions, the first access log, two new hosts; then times and counts.
  assert.ok(writes <= 5 + (performance.now() - start) / 1_000, `${writes} writes`);
  assert.match(running.read(SIDECAR), /web\.shop/);
  assert.match(running.read(STATE), /message: mode Enforce; spec\.idleWindow 1ms counts as 10s/);
});

test("T-08 a fence that is full keeps the hosts in use: the newcomer stays on the fallback, and condition, metric and log say so", async (t) => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const running = await startCollector(t, CAPTURED_MESH.replace("{enable: true}", "{enable: true, maxHosts: 1}"), undefined, { logger });
  await running.send([calls([B, 80])]);
  for (let n = 0; n < 5; n += 1) await running.send([calls(["web.shop.svc.cluster.local", 8080], [B, 80])]);
  await running.collector.idle();
  assert.match(running.read(SIDECAR), new RegExp(B));
  assert.doesNotMatch(running.read(SIDECAR), /web\.shop/);
  assert.match(running.read(STATE), /type: AtCapacity\n +status: "True"\n +reason: MaxHostsInUse\n/);
  const { body } = await running.request("/metrics");
  assert.match(body, /^fenceline_fences_at_capacity 1$/m);
  assert.match(body, /^fenceline_access_log_entries_dropped_total\{reason="at_capacity"\} 5$/m);
  assert.equal(lines.filter((line) => line.includes("fence is full")).length, 1);
});

test("T-08 a warm-up that finds no room for all of its hosts says so at once, in the condition and in one line of the log", async (t) => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const list = `[${B}, ${TCPSVC}, global-sidecar.mesh-operator]`;
  const spec = `{enable: true, maxHosts: 2, warmUp: {preload: ${list}}}`;
  const running = await startCollector(t, CAPTURED_MESH.replace("{enable: true}", spec), undefined, { logger });
  await running.collector.idle();
  assert.match(running.read(STATE), /type: AtCapacity\n +status: "True"\n +reason: MaxHostsInUse\n/);
  for (const host of [B, TCPSVC]) assert.match(running.read(SIDECAR), new RegExp(host));
  // A call to what was left out is turned away for the same reason, and says nothing new.
  await running.send([calls(["web.shop.svc.cluster.local", 8080])]);
  await running.collector.idle();
  const told = lines.filter((line) => line.includes("fence is full")).map((line) => JSON.parse(line));
  assert.deepEqual(
    told.map(({ fence, host, maxHosts }) => [fence, host, maxHosts]),
    [["test1/a", "global-sidecar.mesh-operator.svc.cluster.local", 2]],
  );
});

test("an edge that is used stays while one that is not ages out", async (t) => {
  const config = Config.parse({ ...CONFIG, ageing: { shortestWindow: "100ms" } });
  const running = await startCollector(t, CAPTURED_MESH, undefined, { config });
  // Of a fence that had a long window when the collector started: rounds must not go on at its
  // pace.
  running.write("mesh.yaml", CAPTURED_MESH.replace("{enable: true}", "{enable: true, idleWindow: 400ms}"));
  await running.send([calls([B, 80], ["web.shop.svc.cluster.local", 8080])]);
  await running.collector.idle();
  assert.match(running.read(SIDECAR), /shop\/web\.shop/);
  const stop = new AbortController();
  const traffic = (async () => {
    while (!stop.signal.aborted) await running.send([calls([B, 80])]);
  })();
  await until(() => !running.read(SIDECAR).includes("web.shop"));
  stop.abort();
  await traffic;
  await running.collector.idle();
  assert.match(running.read(SIDECAR), new RegExp(B));
  assert.doesNotMatch(running.read(STATE), /web\.shop/);
  assert.match((await running.request("/metrics")).body, /^fenceline_edges_aged_total 1$/m);
});

test("row 7: a namespace with the auto strategy leaves when none of its Services was called for its window, and those stay that were called", async (t) => {
  const config = Config.parse({ ...CONFIG, ageing: { shortestWindow: "100ms" } });
  const spec = "{enable: true, host: {shop/*: {auto: {duration: {seconds: 1}}}}}";
  const running = await startCollector(t, CAPTURED_MESH.replace("{enable: true}", spec), undefined, { config });
  assert.match(running.read(SIDECAR), /- shop\/\*\n/);
  await running.send([calls(["web.shop.svc.cluster.local", 8080])]);
  const stop = new AbortController();
  const traffic = (async () => {
    while (!stop.signal.aborted) await running.send([calls([B, 80])]);
  })();
  await until(() => !running.read(SIDECAR).includes("- shop/*\n"));
  stop.abort();
  await traffic;
  await running.collector.idle();
  assert.match(running.read(SIDECAR), /- shop\/web\.shop\.svc\.cluster\.local\n/);
});

test("a fence that is switched off loses what was rendered, and gets it back with what it had learned", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send([calls([B, 80])]);
  await running.collector.idle();
  running.write("mesh.yaml", CAPTURED_MESH.replace("{enable: true}", "{enable: false}"));
  await until(() => running.read(SIDECAR) === "" && running.read(FILTER) === "");
  running.write("mesh.yaml", CAPTURED_MESH);
  await until(() => running.read(SIDECAR).includes(B));
});

test("a fence that is deleted leaves nothing rendered behind, also when it was deleted while nobody ran", async (t) => {
  const running = await startCollector(t, "# the mesh is in another file");
  // Nothing was learned, so nothing of it is kept either (T-20).
  const isGone = ({ read }: typeof running) => [SIDECAR, FILTER, STATE].every((path) => read(path) === "");
  running.write("fence.yaml", CAPTURED_MESH);
  await until(() => running.read(STATE) !== "");
  running.write("fence.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: test1}}");
  await until(() => isGone(running));
  running.write("fence.yaml", CAPTURED_MESH);
  await until(() => running.read(SIDECAR) !== "");
  const after = await running.restart(() => rmSync(join(running.folder, "fence.yaml")));
  await until(() => isGone(after));
});

test("a change of the fence's own hosts is rendered live", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  running.write("mesh.yaml", CAPTURED_MESH.replace("{enable: true}", "{enable: true, host: {payments/*: {}}}"));
  await until(() => running.read(SIDECAR).includes("- payments/*\n"));
});

test("a deadline that passes takes its host out without any other event", async (t) => {
  // Far enough ahead that it has not passed when the collector is up, on a busy machine too.
  const seconds = Math.floor(Date.now() / 1_000) + 4;
  const running = await startCollector(
    t,
    CAPTURED_MESH.replace(
      "{enable: true}",
      `{enable: true, idleWindow: 1s, host: {sale.shop: {deadline: {expire: {seconds: ${seconds}}}}}}`,
    ),
  );
  assert.match(running.read(SIDECAR), /sale\.shop/);
  await until(() => !running.read(SIDECAR).includes("sale.shop"));
  await running.collector.idle();
  assert.match(running.read(STATE), /sale\.shop:\n(.*\n)*?\s+status: EXPIRE/);
});

test("the API shows fences, one fence and edges, and says what it does not have", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send([calls([B, 80], [TCPSVC, 7000])]);
  const { fences } = JSON.parse((await running.request("/api/v1/fences")).body);
  assert.equal(fences[0].fence, "test1/a");
  assert.deepEqual(
    fences[0].hosts.map(({ host }: { host: string }) => host),
    [B, TCPSVC],
  );
  const one = JSON.parse((await running.request("/api/v1/fences/test1/a")).body);
  assert.deepEqual(one.hosts, fences[0].hosts);
  assert.deepEqual(
    one.conditions.map(({ type, status }: { type: string; status: string }) => `${type} ${status}`),
    ["Ready True", "Enforced True", "Conflict False", "FallbackReady True", "TelemetryFlowing True"],
  );
  assert.equal((await running.request("/api/v1/fences/test1/none")).status, 404);
  assert.equal((await running.request("/api/v1/nothing")).status, 404);
  assert.equal((await running.request("/readyz")).status, 200);
  assert.equal((await running.request("/api/v1/fences", { method: "POST" })).status, 405);
});

test("metrics are Prometheus text with closed labels: no host and no fence is in them", async (t) => {
  const running = await startCollector(t, CAPTURED_MESH);
  await running.send([calls([B, 80])]);
  const { body } = await running.request("/metrics");
  assert.match(body, /^fenceline_edges 1$/m);
  assert.match(body, /^fenceline_access_log_entries_total 1$/m);
  assert.doesNotMatch(body, /test1/);
});

test("T-07 a fence in Istio's root namespace renders nothing in a folder either, and what an earlier version rendered for it is removed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-collector-"));
  mkdirSync(join(folder, "rendered/istio-system"), { recursive: true });
  const metadata = "{name: a, namespace: istio-system, labels: {}}";
  const filter = `{kind: EnvoyFilter, metadata: ${metadata}, spec: {workloadSelector: {labels: {app: a}}, configPatches: []}}`;
  writeFileSync(join(folder, "rendered/istio-system/EnvoyFilter-a.yaml"), filter);
  const running = await startCollector(
    t,
    CAPTURED_MESH.replace("{name: a, namespace: test1}", "{name: a, namespace: istio-system}"),
    folder,
  );
  assert.deepEqual(readdirSync(join(folder, "rendered/istio-system")), []);
  assert.match(running.read("state/istio-system/ServiceFence-a.yaml"), /type: Ready\n +status: "False"\n +reason: NamespaceReserved\n/);
});
