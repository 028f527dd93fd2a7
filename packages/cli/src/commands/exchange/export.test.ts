import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { parse, parseAllDocuments } from "yaml";
import { get, startFenceline } from "../../testing/fenceline-process.ts";
import { startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";

const MAIN = join(import.meta.dirname, "../../main.ts");
const FENCE =
  "{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {enable: true}}";

async function run(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { out, err, status };
}

function folderOf(t: TestContext, manifests: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-export-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "mesh.yaml"), manifests);
  return folder;
}

/** A Service `b` with one endpoint. */
function serviceB(port: number): string {
  return `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {selector: {app: b}, ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: b-1, namespace: test1, labels: {kubernetes.io/service-name: b}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: ${port}}]
`;
}

test("from test to production: what one folder learned is in another's first Sidecar", async (t) => {
  const undo = undoAfter(t);
  const mesh = serviceB(await startService(undo, (_request, response) => response.end("b")));
  const learning = folderOf(t, `${FENCE}\n---${mesh}`);
  const process = await startFenceline(learning, "--no-demo");
  undo(async () => {
    process.kill("SIGTERM");
    await process.ended;
  });
  const call = () => get(process.proxyPort, "/", { host: "b.test1", "fence-source": "test1/a" });
  assert.equal((await call()).status, 200);
  const sidecar = (folder: string) => readFileSync(join(folder, "rendered/test1/Sidecar-a.yaml"), "utf8");
  await until(() => sidecar(learning).includes("test1/b.test1.svc.cluster.local"));

  const url = `http://127.0.0.1:${process.apiPort}`;
  const live = await run("export", "--url", url);
  assert.deepEqual([live.status, live.err], [0, ""]);
  const [fence] = parseAllDocuments(live.out).map((document) => document.toJS());
  assert.deepEqual(fence.spec, { enable: true, host: { "b.test1.svc.cluster.local": { stable: {} } } });
  assert.match(live.out, /# learned, port 80\n {4}b\.test1/);
  assert.equal((await run("export", "--dir", learning)).out, live.out);

  const policy = await run("export", "--url", url, "--format", "authorization-policy", "--namespace", "test1");
  assert.match(policy.out, /kind: AuthorizationPolicy\n.*name: b-callers/s);
  assert.match(policy.out, /# test1\/a: its service account is not known\n\s+- test1/);
  const output = join(learning, "out.txt");
  assert.equal((await run("export", "--url", url, "--format", "sidecar", "-o", output)).status, 0);
  assert.deepEqual(parse(readFileSync(output, "utf8")).spec.egress, [{ hosts: ["istio-system/*", "test1/b.test1.svc.cluster.local"] }]);

  // No process of the second folder has seen a call: its first one goes where the Sidecar says.
  const production = folderOf(t, `${live.out}---${mesh}`);
  const second = await startFenceline(production, "--no-demo");
  undo(async () => {
    second.kill("SIGTERM");
    await second.ended;
  });
  assert.match(sidecar(production), /test1\/b\.test1\.svc\.cluster\.local/);
});

test("an export says what it cannot read", async (t) => {
  const nobody = await run("export", "--url", "http://127.0.0.1:1");
  assert.deepEqual([nobody.status, nobody.out], [2, ""]);
  assert.match(nobody.err, /COLLECTOR_UNAVAILABLE.*127\.0\.0\.1:1/);
  const both = await run("export", "--url", "http://127.0.0.1:1", "--dir", folderOf(t, FENCE));
  assert.equal(both.status, 2);
});

test("an export of a cluster takes pages, and does without kinds that are not installed", async (t) => {
  const items = ["b", "a"].map((name) => ({ metadata: { name, namespace: "test1" }, spec: { enable: true } }));
  const asked: string[] = [];
  const port = await startService(undoAfter(t), ({ url = "" }, response) => {
    asked.push(url);
    const { pathname, searchParams } = new URL(url, "http://cluster");
    response.setHeader("content-type", "application/json");
    if (pathname !== "/apis/microservice.slime.io/v1alpha1/servicefences") {
      response.statusCode = 404;
      response.end(JSON.stringify({ kind: "Status", code: 404, message: "not installed" }));
    } else if (searchParams.get("continue") === "next") response.end(JSON.stringify({ items: items.slice(1) }));
    else response.end(JSON.stringify({ items: items.slice(0, 1), metadata: { continue: "next" } }));
  });
  const folder = folderOf(t, FENCE);
  const kubeconfig = join(folder, "config.json");
  const context = { name: "x", context: { cluster: "x", user: "x" } };
  const clusters = [{ name: "x", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }];
  writeFileSync(kubeconfig, JSON.stringify({ clusters, users: [{ name: "x", user: {} }], contexts: [context], "current-context": "x" }));
  const { out, err, status } = await run("export", "--kubeconfig", kubeconfig);
  assert.deepEqual([status, err], [0, ""]);
  assert.deepEqual(
    parseAllDocuments(out).map((document) => document.toJS().metadata.name),
    ["a", "b"],
  );
  assert.ok(asked.some((url) => url.startsWith("/api/v1/services?")));
});
