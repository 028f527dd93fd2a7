/** Issue 16: as the chart starts them, the daemons of a cluster are reached by IPv4 and by IPv6. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createEdgeReporter } from "@fenceline/als";
import { until } from "@fenceline/api/testing";
import { formatAddress } from "@fenceline/api/vocabulary";
import { FakeApiServer, type Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SERVICES } from "@fenceline/store/kubernetes/testing";
import { get, startCommand } from "../testing/fenceline-process.ts";
import { undoAfter } from "../testing/undo.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const FAMILIES = ["127.0.0.1", "::1"] as const;

function started(t: TestContext, ...args: string[]) {
  const command = startCommand(...args);
  undoAfter(t)(() => {
    command.kill("SIGKILL");
    return command.ended;
  });
  return command;
}

/** Configuration for calls without a certificate, and a way to this API server. */
function filesFor(t: TestContext, server: string) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-families-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [kubeconfig, config] = [join(folder, "kubeconfig"), join(folder, "config.yaml")];
  const clusters = [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }];
  const [contexts, users] = [[{ name: "x", context: { cluster: "c", user: "u" } }], [{ name: "u", user: { token: "letmein" } }]];
  writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, users, contexts, "current-context": "x" }));
  writeFileSync(config, "telemetry: { acceptPlaintext: true }\n");
  return ["--kubeconfig", kubeconfig, "--config", config];
}

test("issue 16: the global sidecar takes requests and probes by both families, and names an IPv4 client by its IPv4 address", async (t) => {
  const command = started(t, "global-sidecar", "--collector", "[::1]:1", "--port", "0", "--admin-port", "0");
  const { port, adminPort } = await command.line(({ msg }) => msg === "global sidecar is up");
  for (const address of FAMILIES) {
    assert.equal((await get(Number(adminPort), "/readyz", {}, address)).status, 200);
    // From loopback alone, however that is written.
    assert.equal((await get(Number(adminPort), "/api/v1/calls", {}, address)).status, 200);
    const { status, body } = await get(Number(port), "/", { host: "[::1]:9" }, address);
    assert.deepEqual([status, JSON.parse(body).code], [421, "ADDRESS_REFUSED"]);
    const client = formatAddress(address, 1).replace(/1$/, "");
    await command.line((line) => line.msg === "request refused" && String(line.client).startsWith(client));
  }
});

test("issue 16: the collector takes access logs, probes and calls of its API by both families", async (t) => {
  const server = await FakeApiServer.start(t);
  server.put(FENCES, fence());
  for (const name of ["b0", "b1"])
    server.put(SERVICES, {
      metadata: { name, namespace: "test1" },
      spec: { clusterIP: "fd00:10::2", ports: [{ name: "http", port: 80 }] },
    });
  const command = started(t, "collector", "--identity", "one", "--als-port", "0", "--api-port", "0", ...filesFor(t, server.url));
  const { alsPort, apiPort } = await command.line(({ msg }) => msg === "collector is up");
  for (const [index, address] of FAMILIES.entries()) {
    assert.equal((await get(Number(apiPort), "/healthz", {}, address)).status, 200);
    // As a kubelet and a port-forward write it.
    const host = formatAddress(address, Number(apiPort));
    assert.equal((await get(Number(apiPort), "/metrics", { host }, address)).status, 200);
    const reporter = createEdgeReporter({
      target: formatAddress(address, Number(alsPort)),
      nodeId: `sidecar~fd00:1::${index + 1}~a-${index}.test1~test1.svc.cluster.local`,
      node: { namespace: "test1" },
      logName: "fenceline/test1/a",
      backoff: { first: 5, longest: 20 },
    });
    t.after(() => reporter.close(0));
    reporter.report({ source: FENCE, authority: `b${index}.test1`, responseCode: 200 });
    await until(() => JSON.stringify(server.get(FENCES, FENCE)?.status ?? {}).includes(`b${index}.test1.svc.cluster.local`));
  }
});
