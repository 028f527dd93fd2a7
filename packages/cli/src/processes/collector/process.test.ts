import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createEdgeReporter } from "@fenceline/als";
import { COLLECTOR_AUDIENCE } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { FakeApiServer, LEASES, type Resource } from "@fenceline/kubernetes/testing";
import { CONFIG_MAPS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { VERSION } from "../../build-info.ts";
import { get, startCommand } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];

/** A folder for a kubeconfig that leads to a port of this machine. */
function kubeconfigFor(undo: (step: () => unknown) => void) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-collector-"));
  undo(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "config");
  const write = (server: string) => {
    const clusters = [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }];
    const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
    const users = [{ name: "u", user: { token: "letmein" } }];
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, users, contexts, "current-context": "x" }));
  };
  return { file, write };
}

/** A token of somebody who may read all fences. */
function readerOf({ tokens, rights }: FakeApiServer): string {
  const rule = { group: "microservice.slime.io", resource: "servicefences" };
  for (const verb of ["get", "list"]) rights.grant("system:serviceaccount:fenceline:reader", { ...rule, verb });
  return tokens.issue("fenceline", "reader", COLLECTOR_AUDIENCE);
}

/** A collector that has begun: its probes are answered, and nothing else is known of it. */
async function startCollector(t: TestContext, server: string | undefined, ...flags: string[]) {
  const undo = undoAfter(t);
  const { file, write } = kubeconfigFor(undo);
  if (server !== undefined) write(server);
  const ports = ["--host", "127.0.0.1", "--als-port", "0", "--api-port", "0"];
  const command = startCommand("collector", "--namespace", "fenceline", "--identity", "one", "--kubeconfig", file, ...ports, ...flags);
  undo(() => {
    command.kill("SIGKILL");
    return command.ended;
  });
  const { apiPort } = await command.line(({ msg }) => msg === "collector reads the mesh");
  const ask = (path: string, token?: string) => get(Number(apiPort), path, token === undefined ? {} : { authorization: `Bearer ${token}` });
  const up = () => command.line(({ msg }) => msg === "collector is up");
  const stop = async () => {
    const began = performance.now();
    command.kill("SIGTERM");
    const { code, stderr } = await command.ended;
    return { code, stderr, seconds: (performance.now() - began) / 1_000 };
  };
  return { command, ask, up, stop, writeKubeconfig: write };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("E3-07 T-50 while the API server refuses connections it is alive, tells its version, is not ready, says why, and goes on when the server is there", async (t) => {
  const port = await freePort();
  const { command, ask, up, stop } = await startCollector(t, `http://127.0.0.1:${port}`);
  await command.line(({ code }) => code === "KUBERNETES_UNREACHABLE");
  assert.equal((await ask("/healthz")).status, 200);
  const ready = await ask("/readyz");
  assert.equal(ready.status, 503);
  assert.match(JSON.parse(ready.body).reason, /^waiting for the API server: KUBERNETES_UNREACHABLE.*ECONNREFUSED/);
  assert.equal((await ask("/api/v1/fences", "a.b.c")).status, 503);
  const { body } = await ask("/metrics");
  assert.match(body, /^fenceline_store_synced\{kind="Service",group=""\} 0$/m);
  assert.match(body, /^fenceline_store_failures_total\{kind="Sidecar",group="networking.istio.io",reason="unreachable"\} [1-9]/m);
  assert.match(body, /^fenceline_leader 0$/m);
  assert.ok(body.includes(`\nfenceline_build_info{version="${VERSION}",node="${process.versions.node}"} 1\n`), body);
  const server = await FakeApiServer.start(t, port);
  server.put(FENCES, fence());
  await up();
  assert.equal((await ask("/readyz")).status, 200);
  assert.equal(JSON.parse((await ask("/api/v1/fences", readerOf(server))).body).fences.length, 1);
  assert.deepEqual({ ...(await stop()), seconds: 0 }, { code: 0, stderr: "", seconds: 0 });
});

test("E3-07 SIGTERM while the API server refuses connections ends it at once, cleanly", async (t) => {
  const { command, stop } = await startCollector(t, `http://127.0.0.1:${await freePort()}`);
  await command.line(({ code }) => code === "KUBERNETES_UNREACHABLE");
  const { code, stderr, seconds } = await stop();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(seconds < 6, `${seconds} s`);
});

test("E3-07 SIGTERM while the API server takes connections and never answers ends it at once, cleanly", async (t) => {
  const server = await FakeApiServer.start(t);
  server.fail(() => true, "silence");
  const { ask, stop } = await startCollector(t, server.url);
  await until(() => server.requests.length > 0);
  assert.equal((await ask("/healthz")).status, 200);
  assert.match(JSON.parse((await ask("/readyz")).body).reason, /^reading the mesh: Namespace, Service/);
  const { code, stderr, seconds } = await stop();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(seconds < 6, `${seconds} s`);
});

test("E3-08 a kubeconfig that is not there yet is waited for", async (t) => {
  const server = await FakeApiServer.start(t);
  const { command, ask, up, writeKubeconfig } = await startCollector(t, undefined);
  await command.line(({ detail }) => String(detail).includes("does not exist"));
  assert.equal((await ask("/healthz")).status, 200);
  assert.match(JSON.parse((await ask("/readyz")).body).reason, /cannot read the kubeconfig .*: does not exist/);
  writeKubeconfig(server.url);
  await up();
});

test("E3-07 a leader whose API server fell silent still ends, within the 30 s that a pod is given", async (t) => {
  const server = await FakeApiServer.start(t);
  for (let index = 0; index < 20; index += 1) {
    const domains = { b: { status: "ACTIVE", source: "learned", lastSeen: new Date().toISOString() } };
    server.put(FENCES, fence({ status: { domains } }, { namespace: "test1", name: `f${index}` }));
  }
  const { command, stop, ask } = await startCollector(t, server.url);
  await command.line(({ leads }) => leads === true);
  assert.match((await ask("/metrics")).body, /^fenceline_leader 1$/m);
  server.fail(() => true, "silence");
  const { code, seconds } = await stop();
  assert.equal(code, 0);
  assert.ok(seconds < 20, `${seconds} s`);
});

test("E3-08 T-19 forbidden and absent kinds hold up nobody, and metrics tell them apart; without a right to the Lease the replica is not ready", async (t) => {
  const server = await FakeApiServer.start(t);
  server.put(FENCES, fence());
  server.uninstall(SIDECARS);
  const allow = server.forbid(LEASES, "GET");
  const { up, ask, command } = await startCollector(t, server.url);
  await up();
  const { body } = await ask("/metrics");
  assert.match(body, /^fenceline_store_failures_total\{kind="Sidecar",group="networking.istio.io",reason="absent"\} [1-9]/m);
  assert.match(body, /^fenceline_store_synced\{kind="ServiceFence",group="microservice.slime.io"\} 1$/m);
  assert.match(body, /^fenceline_store_contact_age_seconds\{kind="ServiceFence",group="microservice.slime.io"\} /m);
  assert.doesNotMatch(body, /^fenceline_store_contact_age_seconds\{kind="Sidecar"/m);
  // Nobody leads without a right to the Lease, and nothing is rendered. The replica goes on
  // learning.
  await command.line(({ code, detail }) => code === "KUBERNETES_FORBIDDEN" && String(detail).includes("leases"));
  await until(async () => (await ask("/readyz")).status === 503);
  assert.match(JSON.parse((await ask("/readyz")).body).reason, /^nothing can be written, no replica leads: .*leases/);
  assert.equal(server.get(SIDECARS, FENCE), undefined);
  allow();
  await command.line(({ leads }) => leads === true);
  assert.equal((await ask("/readyz")).status, 200);
});

test("a port for access logs that is taken ends the process with a message", async (t) => {
  const server = await FakeApiServer.start(t);
  const undo = undoAfter(t);
  const { file, write } = kubeconfigFor(undo);
  write(server.url);
  const taken = new URL(server.url).port;
  const command = startCommand("collector", "--kubeconfig", file, "--host", "127.0.0.1", "--als-port", taken, "--api-port", "0");
  undo(() => {
    command.kill("SIGKILL");
    return command.ended;
  });
  const { code, stderr } = await command.ended;
  assert.equal(code, 2);
  assert.match(stderr, /LISTEN_FAILED: cannot listen on 127\.0\.0\.1:\d+: the port is in use \(.*--als-port/);
});

test("T-01 the collector has the API server review the token of reports, and takes none from anybody else", async (t) => {
  const server = await FakeApiServer.start(t);
  server.put(SERVICES, {
    metadata: { name: "b", namespace: "test1" },
    spec: { clusterIP: "10.0.0.2", ports: [{ name: "http", port: 80 }] },
  });
  server.put(FENCES, fence());
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-config-"));
  undo(() => rmSync(folder, { recursive: true }));
  // The certificate is the business of another test: here is no Envoy.
  writeFileSync(join(folder, "config.yaml"), "telemetry: { acceptPlaintext: true }\n");
  const { ask, up, command } = await startCollector(t, server.url, "--config", join(folder, "config.yaml"));
  const { alsPort } = await up();
  const report = (token: string, authority: string) => {
    const reporter = createEdgeReporter({
      target: `127.0.0.1:${alsPort}`,
      nodeId: "g",
      token: () => token,
      backoff: { first: 5, longest: 20 },
    });
    undo(() => reporter.close(0));
    reporter.report({ source: FENCE, authority, responseCode: 200 });
  };
  const reader = readerOf(server);
  const edges = async () => (await ask("/api/v1/edges", reader)).body;
  const refusals = async (reason: string) =>
    Number(
      new RegExp(`^fenceline_fallback_calls_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec((await ask("/metrics")).body)?.[1] ??
        0,
    );

  report(server.tokens.issue("test1", "default", COLLECTOR_AUDIENCE), "b");
  report(server.tokens.issue("fenceline", "fenceline-collector", COLLECTOR_AUDIENCE), "b");
  report(server.tokens.issue("fenceline", "global-sidecar", "https://kubernetes.default.svc"), "b");
  await until(async () => (await refusals("token_refused")) >= 6);
  assert.doesNotMatch(await edges(), /b\.test1/);

  const mend = server.fail(({ path }) => path.endsWith("/tokenreviews"), {
    status: 403,
    body: { kind: "Status", message: "tokenreviews is forbidden" },
  });
  report(server.tokens.issue("fenceline", "global-sidecar", COLLECTOR_AUDIENCE), "b");
  await command.line(({ reason, err }) => reason === "token_not_reviewed" && JSON.stringify(err).includes("KUBERNETES_FORBIDDEN"));
  assert.doesNotMatch(await edges(), /b\.test1/);
  mend();
  await until(async () => /b\.test1\.svc\.cluster\.local/.test(await edges()));
});

test("T-05 it reads MeshConfig where its configuration says, and starts without the right to, with one line and a metric", async (t) => {
  const server = await FakeApiServer.start(t);
  server.forbid(CONFIG_MAPS, "GET");
  const folder = mkdtempSync(join(tmpdir(), "fenceline-config-"));
  const config = join(folder, "config.yaml");
  writeFileSync(config, "{istioNamespace: istio-control, meshConfigMap: istio-canary}");
  const { command, ask, up, stop } = await startCollector(t, server.url, "--config", config);
  t.after(() => rmSync(folder, { recursive: true }));
  const { detail } = await command.line(({ code }) => code === "KUBERNETES_FORBIDDEN");
  assert.match(String(detail), /configmaps/);
  await up();
  assert.match((await ask("/metrics")).body, /^fenceline_store_watching\{kind="ConfigMap",group=""\} 0$/m);
  assert.match((await ask("/metrics")).body, /^fenceline_store_failures_total\{kind="ConfigMap",group="",reason="forbidden"\} [1-9]/m);
  const [list] = server.requests.filter(({ path }) => path.includes("configmaps"));
  assert.equal(list?.path, "/api/v1/namespaces/istio-control/configmaps");
  assert.equal(list?.query.get("fieldSelector"), "metadata.name=istio-canary");
  assert.equal((await stop()).code, 0);
});
