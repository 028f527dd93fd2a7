import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { get, startFenceline } from "../../testing/fenceline-process.ts";
import { startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";
import { fenceText } from "./text.ts";

const MAIN = join(import.meta.dirname, "../../main.ts");

async function run(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, "report", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { out, err, status };
}

function folderOf(t: TestContext, port: number): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-report-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const services = ["b", "c"].map(
    (name) => `
{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: test1}, spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: test1, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: ${port}}]
`,
  );
  const fence =
    "{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {mode: Observe}}\n";
  writeFileSync(join(folder, "mesh.yaml"), [fence, ...services].join("---\n"));
  return folder;
}

test("a fence that observes is reported by its collector and by its folder alike", async (t) => {
  const undo = undoAfter(t);
  const folder = folderOf(t, await startService(undo, (_request, response) => response.end("b")));
  const fenceline = await startFenceline(folder, "--no-demo");
  undo(async () => {
    fenceline.kill("SIGTERM");
    await fenceline.ended;
  });
  const url = `http://127.0.0.1:${fenceline.apiPort}`;
  const reportsOf = async (...place: string[]) => JSON.parse((await run(...place, "--format", "json")).out).reports;
  assert.deepEqual((await reportsOf("--url", url))[0].hides, { count: 2 });

  assert.equal((await get(fenceline.proxyPort, "/", { host: "b.test1", "fence-source": "test1/a" })).status, 200);
  await until(async () => (await reportsOf("--url", url))[0].hides.count === 1);
  const table = await run("--url", url);
  assert.deepEqual([table.status, table.err], [0, ""]);
  assert.match(table.out, /^FENCE +MODE +VERDICT .*\ntest1\/a +Observe +Wait +1 +1 +1 +1 +0 +0\.1 +.*NotObserved/);

  const one = await run("--url", url, "--fence", "test1/a", "--hidden");
  assert.match(one.out, /^test1\/a: mode Observe, verdict Wait\n/);
  assert.match(one.out, /\nshows 1 hosts, hides 1:\n {2}test1\/c\.test1\.svc\.cluster\.local\n$/);
  await until(async () => (await reportsOf("--dir", folder))[0].hides.count === 1);
  const [read] = await reportsOf("--dir", folder, "--fence", "test1/a", "--hidden");
  assert.deepEqual([read.hides.hosts, read.verdict], [["test1/c.test1.svc.cluster.local"], "Wait"]);
});

test("a report says what it cannot have, and of what", async (t) => {
  const folder = folderOf(t, 1);
  const faults: readonly (readonly [args: readonly string[], fault: RegExp])[] = [
    [["--dir", folder, "--fence", "test1/nobody"], /FENCE_UNKNOWN.*test1\/nobody/],
    [["--dir", folder, "--fence", "a"], /FENCE_UNKNOWN/],
    [["--url", "http://127.0.0.1:1"], /COLLECTOR_UNAVAILABLE.*127\.0\.0\.1:1/],
    [["--url", "http://127.0.0.1:1", "--dir", folder], /cannot be used with/],
  ];
  for (const [args, fault] of faults) {
    const { status, out, err } = await run(...args);
    assert.deepEqual([status, out], [2, ""]);
    assert.match(err, fault);
  }
});

test("what others wrote into a message makes no line, and no colour, of its own", () => {
  const shown = fenceText({
    fence: "test1/a",
    namespace: "test1",
    name: "a",
    mode: "Observe",
    verdict: "No",
    reasons: ["SpecInvalid: a\u001b[31m\nshows 0 hosts"],
    shows: { count: 0 },
    hides: { count: 0 },
    saves: { clusters: 0, endpoints: 0, listeners: 0, bytes: 0, bytesError: 0 },
    risks: [],
    observed: { seconds: 0, longestPeriodSeconds: 0 },
  });
  assert.match(shown, /SpecInvalid: a\\u001b\[31m\\u000ashows 0 hosts\n/);
});
