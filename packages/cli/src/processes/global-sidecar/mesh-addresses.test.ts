import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseConfig } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { Collector } from "@fenceline/collector";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { DirectoryStore, type Store } from "@fenceline/store";
import { KubernetesStore } from "@fenceline/store/kubernetes";
import { CONFIG_MAPS, MESH_CONFIG_MAP, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { pino } from "pino";
import { get, globalSidecarOn, startCommand } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

const [FENCES] = SERVICE_FENCES;
const NO_FENCE = "fence-source names no fence: only fenced workloads are forwarded out of the mesh";
const HELD = "the caller's outboundTrafficPolicy is REGISTRY_ONLY";
const ANYBODY = "the configuration does not allow this external host";
/** MeshConfig of a second revision, which most tests do without. */
const CANARY_MAP = { ...MESH_CONFIG_MAP, name: "istio-canary" };

const TOKEN = "the token of the global sidecar";

const manifests = (port: number) => `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {clusterIP: 203.0.113.1, ports: [{name: http, port: ${port}}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: fenceline-collector, namespace: fenceline}, spec: {clusterIP: 203.0.113.200, ports: [{port: 18081}]}}
`;

const collect = (store: Store, port = 0, config = "") =>
  Collector.start({
    store,
    config: parseConfig(`telemetry: {acceptPlaintext: true}\n${config}`, ""),
    logger: pino({ level: "silent" }),
    accessLogs: { host: "127.0.0.1", port },
    fallbackToken: (token) => token === TOKEN,
  });

async function startCollector(t: TestContext, config = "") {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-mesh-"));
  writeFileSync(join(folder, "mesh.yaml"), manifests(80));
  const store = await DirectoryStore.open({ folder, onRefused: () => {} });
  const collector = await collect(store, 0, config);
  const stop = async () => {
    await collector.close();
    await store.close();
  };
  t.after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { collector, folder, stop };
}

async function startSidecar(t: TestContext, collectorPort: number, ...flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-token-"));
  writeFileSync(join(folder, "token"), TOKEN);
  const command = startCommand(
    ...globalSidecarOn(`127.0.0.1:${collectorPort}`),
    ...["--collector-token-file", join(folder, "token")],
    // Calls of these tests come without an Envoy.
    ...["--accept-plaintext", ...flags],
  );
  undoAfter(t)(() => {
    command.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
    return command.ended;
  });
  const { port, adminPort } = await command.line(({ msg }) => msg === "global sidecar is up");
  const refusalOf = async (host: string, fence = "a"): Promise<{ readonly code: string; readonly message: string }> =>
    JSON.parse((await get(Number(port), "/", { host, "fence-source": `test1/${fence}` })).body);
  const codeOf = async (host: string) => (await refusalOf(host)).code;
  return {
    command,
    codeOf,
    refusalOf,
    /** What a caller with this certificate is told who names the fence `test1/a`. */
    messageFor: async (account: string, host: string): Promise<string> => {
      const certificate = `By=x;URI=spiffe://cluster.local/ns/test1/sa/${account}`;
      const headers = { host, "fence-source": "test1/a", "x-forwarded-client-cert": certificate };
      return JSON.parse((await get(Number(port), "/", headers)).body).message;
    },
    ready: () => get(Number(adminPort), "/readyz"),
    metrics: async () => (await get(Number(adminPort), "/metrics")).body,
  };
}

test("T-01 T-05 the command learns the mesh's addresses from the collector, follows it, and keeps them while it is away", async (t) => {
  const { collector, folder, stop } = await startCollector(t);
  const { codeOf, ready, metrics } = await startSidecar(t, collector.accessLogPort, "--workers", "2");
  await until(async () => (await ready()).status === 200);

  assert.equal(await codeOf("203.0.113.200:18081"), "DESTINATION_IS_SELF");
  assert.equal(await codeOf("203.0.113.1:8443"), "PORT_NOT_DECLARED");
  assert.match(await metrics(), /^fenceline_proxy_mesh_addresses 2$/m);
  assert.match(await metrics(), /^fenceline_proxy_mesh_connected 1$/m);

  writeFileSync(
    join(folder, "more.yaml"),
    "{apiVersion: v1, kind: Service, metadata: {name: c, namespace: test1}, spec: {clusterIP: 203.0.113.2, ports: [{port: 80}]}}",
  );
  await until(async () => /^fenceline_proxy_mesh_addresses 3$/m.test(await metrics()));
  await until(async () => (await codeOf("203.0.113.2:8443")) === "PORT_NOT_DECLARED");

  await stop();
  await until(async () => /^fenceline_proxy_mesh_connected 0$/m.test(await metrics()));
  assert.equal(await codeOf("203.0.113.1:8443"), "PORT_NOT_DECLARED");
  assert.equal((await ready()).status, 200);
  assert.match(await metrics(), /^fenceline_proxy_mesh_age_seconds [\d.]+$/m);
});

test("T-05 pods without a Service are refused in the ranges that the configuration names, where no node has a podCIDR, and no others", async (t) => {
  const { collector } = await startCollector(t, 'podRanges: [198.51.100.0/24, "2001:db8:7::/48"]');
  // Refused for another reason out of these ranges, so that nothing leaves this machine.
  const external = ["--external", "refuse", "--external-allow", "198.51.100.77"];
  const { codeOf, ready } = await startSidecar(t, collector.accessLogPort, "--workers", "2", ...external);
  await until(async () => (await ready()).status === 200);
  for (const host of ["198.51.100.9:10250", "198.51.100.9", "[2001:db8:7::9]:9100", "[2001:DB8:7:0::9]"])
    assert.equal(await codeOf(host), "PORT_NOT_DECLARED", host);
  for (const host of ["198.51.101.9", "[2001:db8:8::9]"]) assert.equal(await codeOf(host), "EXTERNAL_REFUSED", host);
});

test("T-05 the service accounts that a fence names hold in every thread of the command, from the moment that it names them", async (t) => {
  const { collector, folder } = await startCollector(t);
  // Whoever is believed is refused for the address, so that nothing leaves this machine.
  const flags = ["--trust-forwarded-client-cert", "--external-deny", "198.51.100.0/24", "--workers", "2"];
  const { messageFor, ready } = await startSidecar(t, collector.accessLogPort, ...flags);
  await until(async () => (await ready()).status === 200);
  const isBelieved = async (account: string) => (await messageFor(account, "198.51.100.9")) === "the configuration refuses this address";
  const fence = (accounts: string) =>
    writeFileSync(
      join(folder, "fence.yaml"),
      `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {mode: Observe${accounts}}}`,
    );
  fence("");
  await until(() => isBelieved("other"));
  fence(", serviceAccounts: [a]");
  await until(async () => !(await isBelieved("other")));
  for (let again = 0; again < 8; again += 1) assert.deepEqual([await isBelieved("a"), await isBelieved("other")], [true, false]);
});

test("T-06 the command refuses a ClusterIP from the moment that a slice leads it to metadata or to Fenceline, in every thread", async (t) => {
  const { collector, folder } = await startCollector(t);
  // Refused before it is known, too, so that nothing leaves this machine.
  const { codeOf, ready } = await startSidecar(t, collector.accessLogPort, "--workers", "2", "--external", "refuse");
  await until(async () => (await ready()).status === 200);
  const lead = (address: string) =>
    writeFileSync(
      join(folder, "evil.yaml"),
      `{apiVersion: v1, kind: Service, metadata: {name: x, namespace: evil}, spec: {clusterIP: 203.0.113.3, ports: [{port: 9}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x-1, namespace: evil, labels: {kubernetes.io/service-name: x}}, endpoints: [{addresses: [10.1.0.1]}, {addresses: [${address}]}], ports: [{port: 18082}]}`,
    );
  lead("203.0.113.200");
  await until(async () => (await codeOf("203.0.113.3:9")) === "DESTINATION_IS_SELF");
  lead("169.254.169.254");
  await until(async () => (await codeOf("203.0.113.3:9")) === "ADDRESS_REFUSED");
  for (let again = 0; again < 8; again += 1) assert.equal(await codeOf("203.0.113.3:9"), "ADDRESS_REFUSED");
});

/**
 * A global sidecar whose collector watches an API server, and what it says of a call out of the
 * mesh that comes without any header.
 */
async function startOnApiServer(t: TestContext, fence = "a") {
  // Refused for another reason without REGISTRY_ONLY, so that nothing leaves this machine.
  const outside = "203.0.113.9:9";
  const server = await FakeApiServer.start(t);
  server.put(FENCES, { metadata: { namespace: "test1", name: "a" } });
  const leadership = { mayWrite: () => false, term: () => new AbortController().signal };
  const meshConfigMaps = [MESH_CONFIG_MAP, CANARY_MAP];
  const store = await KubernetesStore.open({ api: server.api(t), leadership, onTrouble: () => {}, meshConfigMaps });
  const collector = await collect(store);
  t.after(async () => {
    await collector.close();
    await store.close();
  });
  const { ready, refusalOf, codeOf } = await startSidecar(
    t,
    collector.accessLogPort,
    "--workers",
    "2",
    "--external",
    "refuse",
    "--external-allow",
    "198.51.100.0/24",
  );
  await until(async () => (await ready()).status === 200);
  const messageOf = async () => (await refusalOf(outside, fence)).message;
  assert.equal(await messageOf(), fence === "a" ? ANYBODY : NO_FENCE);
  const becomes = (message: string) => until(async () => (await messageOf()) === message);
  const stop = () => collector.close();
  return { server, becomes, messageOf, codeOf, stop };
}

test("T-05 a caller is fenced as long as its fence is known: a new one counts at once, and a known one while the collector is away", async (t) => {
  const { server, becomes, messageOf, stop } = await startOnApiServer(t, "a-new-fence");
  assert.equal(await messageOf(), NO_FENCE);
  server.put(FENCES, { metadata: { namespace: "test1", name: "a-new-fence" } });
  await becomes(ANYBODY);
  await stop();
  for (let again = 0; again < 8; again += 1) assert.equal(await messageOf(), ANYBODY);
});

test("T-05 a Sidecar of the API server that says REGISTRY_ONLY holds the callers of its namespace, without any header", async (t) => {
  const { server, becomes } = await startOnApiServer(t);
  const closed = { metadata: { namespace: "test1", name: "default" }, spec: { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } } };
  server.put(SIDECARS, closed);
  await becomes(HELD);
  server.remove(SIDECARS, closed.metadata);
  await becomes(ANYBODY);
});

test("issue 16: what a default Sidecar with REGISTRY_ONLY hides is refused in every thread, and with ALLOW_ANY it is not", async (t) => {
  const { server, codeOf } = await startOnApiServer(t);
  server.put(SERVICES, { metadata: { namespace: "db", name: "mysql" }, spec: { clusterIP: "203.0.113.7", ports: [{ port: 9 }] } });
  const says = (mode: string, ...hosts: readonly string[]) =>
    server.put(SIDECARS, {
      metadata: { namespace: "test1", name: "default" },
      spec: { egress: [{ hosts }], outboundTrafficPolicy: { mode } },
    });
  const becomes = (code: string) => until(async () => (await codeOf("203.0.113.7:8")) === code);
  await becomes("PORT_NOT_DECLARED");
  says("REGISTRY_ONLY", "./*");
  await becomes("HOST_HIDDEN");
  for (let again = 0; again < 8; again += 1) assert.equal(await codeOf("203.0.113.7:8"), "HOST_HIDDEN");
  says("REGISTRY_ONLY", "./*", "db/mysql.db.svc.cluster.local");
  await becomes("PORT_NOT_DECLARED");
  says("REGISTRY_ONLY", "./*");
  await becomes("HOST_HIDDEN");
  says("ALLOW_ANY", "./*");
  await becomes("PORT_NOT_DECLARED");
});

test("T-05 MeshConfig that says REGISTRY_ONLY holds everybody from the moment that it does, but for namespaces that their default Sidecar opens", async (t) => {
  const { server, becomes } = await startOnApiServer(t);
  const meshConfig = (mode: string) => ({ metadata: MESH_CONFIG_MAP, data: { mesh: `outboundTrafficPolicy:\n  mode: ${mode}\n` } });
  server.put(CONFIG_MAPS, meshConfig("REGISTRY_ONLY"));
  await becomes(HELD);
  const open = { metadata: { namespace: "test1", name: "default" }, spec: { outboundTrafficPolicy: { mode: "ALLOW_ANY" } } };
  server.put(SIDECARS, open);
  await becomes(ANYBODY);
  server.remove(SIDECARS, open.metadata);
  await becomes(HELD);
  server.put(CONFIG_MAPS, meshConfig("ALLOW_ANY"));
  await becomes(ANYBODY);
});

test("T-05 of several revisions the MeshConfig of any that says REGISTRY_ONLY holds everybody, whichever order they come in", async (t) => {
  const { server, becomes } = await startOnApiServer(t);
  const meshConfig = (metadata: typeof CANARY_MAP, mode: string) => ({
    metadata,
    data: { mesh: `outboundTrafficPolicy: {mode: ${mode}}` },
  });
  server.put(CONFIG_MAPS, meshConfig(MESH_CONFIG_MAP, "ALLOW_ANY"));
  server.put(CONFIG_MAPS, meshConfig(CANARY_MAP, "REGISTRY_ONLY"));
  await becomes(HELD);
  server.put(CONFIG_MAPS, meshConfig(CANARY_MAP, "ALLOW_ANY"));
  await becomes(ANYBODY);
  server.put(CONFIG_MAPS, meshConfig(MESH_CONFIG_MAP, "REGISTRY_ONLY"));
  await becomes(HELD);
});

test("T-05 without a first view it is not ready, says why, and answers what may be tried again", async (t) => {
  const nobody = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => nobody.once("listening", resolve));
  t.after(() => nobody.close());
  const address = nobody.address();
  const { codeOf, ready } = await startSidecar(t, typeof address === "object" && address !== null ? address.port : 1);
  const { status, body } = await ready();
  assert.equal(status, 503);
  assert.match(body, /the collector has not sent the mesh's addresses yet/);
  assert.equal(await codeOf("203.0.113.9"), "MESH_UNKNOWN");
});
