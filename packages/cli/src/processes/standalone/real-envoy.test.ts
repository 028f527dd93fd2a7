import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Config, type EnvoyFilter } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { pino } from "pino";
import { parse } from "yaml";
import { toolPath } from "../../../../../scripts/tools/tools.mjs";
import { startEnvoy } from "../../testing/envoy.ts";
import { meshOf, startService } from "../../testing/services.ts";
import { undoAfter } from "../../testing/undo.ts";
import { startStandalone } from "./standalone.ts";

/**
 * A real Envoy in the place of the workload's sidecar. What is configured in it is what was
 * rendered, patch by patch; only its clusters are static, and the test plays istiod: when a host is
 * in the Sidecar, it gives the host a route. Hosts are called with their port, because without a
 * redirect by iptables the original destination is Envoy's own listener.
 */

const binary = toolPath("envoy");
// Where Python is missing there is no Envoy. On CI that is a failure: the one place where it must
// run.
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";
const IDLE_WINDOW_MS = 1_500;
const HOSTS = ["b.test1.svc.cluster.local", "c.test1.svc.cluster.local"] as const;

/** Clusters that no call of the workload goes to. */
const NO_CALLS = ["inbound|80||", "agent"] as const;

/** The values of the fence's EnvoyFilter, as they were rendered. */
function renderedPatches(folder: string) {
  const filter: EnvoyFilter = parse(readFileSync(join(folder, "rendered/test1/EnvoyFilter-a.yaml"), "utf8"));
  const patches = filter.spec.configPatches;
  const fallbackRoute = patches.find(({ applyTo }) => applyTo === "HTTP_ROUTE")?.patch.value;
  const connectionManager = patches.find(({ applyTo }) => applyTo === "NETWORK_FILTER")?.patch.value as { typed_config: object };
  return { fallbackRoute, connectionManager: connectionManager.typed_config };
}

function cluster(name: string, port: number, http2 = false): object {
  const http = { explicit_http_config: { http2_protocol_options: {} } };
  const options = { "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", ...http };
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    ...(http2 && { typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options } }),
  };
}

function bootstrap(routesPath: string, connectionManager: object, clusters: readonly object[]): object {
  const manager = {
    ...connectionManager,
    stat_prefix: "outbound",
    rds: { route_config_name: "routes", config_source: { path_config_source: { path: routesPath }, resource_api_version: "V3" } },
    http_filters: [{ name: "router", typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  const filters = [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }];
  return {
    node: { id: "sidecar~127.0.0.1~a.test1~test1", cluster: "a.test1" },
    static_resources: { listeners: [{ name: "outbound", address, filter_chains: [{ filters }] }], clusters },
  };
}

/** The calls of a host go to a cluster. */
function virtualHost(host: string, clusterName: string): object {
  const domains = [`${host.split(".").slice(0, 2).join(".")}:80`];
  return { name: host, domains, routes: [{ match: { prefix: "/" }, route: { cluster: clusterName } }] };
}

/** Routes of an Envoy that knows these hosts, with the fence's catch-all behind them. */
function routes(known: readonly string[], fallbackRoute: unknown, more: readonly object[] = []): object {
  const direct = known.map((host) => virtualHost(host, `outbound|80||${host}`));
  return { virtual_hosts: [...direct, ...more, { name: "allow_any", domains: ["*"], routes: [fallbackRoute] }] };
}

async function setUp(t: TestContext, logger = pino({ level: "silent" })) {
  const undo = undoAfter(t);
  const seenByB: IncomingHttpHeaders[] = [];
  const b = await startService(undo, (incoming, response) => {
    seenByB.push(incoming.headers);
    response.end("b");
  });
  const c = await startService(undo, (_incoming, response) => response.end("c"));
  const folder = mkdtempSync(join(tmpdir(), "fenceline-real-envoy-"));
  undo(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "mesh.yaml"), meshOf({ b, c }, `{enable: true, idleWindow: ${IDLE_WINDOW_MS}ms}`));
  const config = Config.parse({ telemetry: { flushInterval: "20ms" }, ageing: { shortestWindow: "1s" } });
  const ports = { proxyPort: 0, alsPort: 0, apiPort: 0 };
  const fenceline = await startStandalone({ folder, host: "127.0.0.1", ...ports, demo: false, config, logger });
  undo(() => fenceline.close());
  const { fallbackRoute, connectionManager } = renderedPatches(folder);
  const clusters = [
    cluster("outbound|80||global-sidecar.fenceline.svc.cluster.local", fenceline.proxyPort),
    cluster("outbound|18081||fenceline-collector.fenceline.svc.cluster.local", fenceline.alsPort, true),
    cluster(`outbound|80||${HOSTS[0]}`, b),
    cluster(`outbound|80||${HOSTS[1]}`, c),
    ...NO_CALLS.map((name) => cluster(name, c)),
  ];
  assert.ok(binary !== undefined, "no Envoy binary");
  const envoy = await startEnvoy(binary, (path) => bootstrap(path, connectionManager, clusters), routes([], fallbackRoute));
  undo(() => envoy.stop());
  return {
    seenByB,
    envoy,
    call: (host: string) => call(envoy.port, host),
    push: (known: readonly string[], more: readonly object[] = []) => envoy.setRoutes(routes(known, fallbackRoute, more)),
    /** Hosts in the Sidecar. */
    visible: () => HOSTS.filter((host) => readFileSync(join(folder, "rendered/test1/Sidecar-a.yaml"), "utf8").includes(`test1/${host}`)),
    observedUntil: async () => {
      const described = await fetch(`http://127.0.0.1:${fenceline.apiPort}/api/v1/fences/test1/a`);
      return ((await described.json()) as { observedUntil: string }).observedUntil;
    },
    edge: async (host: string) => {
      const { edges } = (await (await fetch(`http://127.0.0.1:${fenceline.apiPort}/api/v1/edges`)).json()) as {
        edges: { destination: string; requests: number }[];
      };
      return edges.find(({ destination }) => destination === host);
    },
  };
}

/** Not fetch: it may not set Host. */
async function call(port: number, host: string): Promise<number> {
  const sent = request({ port, host: "127.0.0.1", headers: { host }, agent: false }).end();
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  return response.statusCode;
}

test("with a real Envoy: the first call takes the fallback and is learned, the next are direct and keep the edge, then it ages out", {
  skip,
}, async (t) => {
  const { seenByB, envoy, call: callHost, push, visible, edge } = await setUp(t);

  assert.equal(await callHost("b.test1:80"), 200);
  assert.equal(await envoy.stat("cluster.outbound|80||global-sidecar.fenceline.svc.cluster.local.upstream_rq_total"), 1);
  const [first] = seenByB;
  for (const header of ["fence-source", "slime-orig-dest", "slime-source-ns"]) assert.equal(first?.[header], undefined, header);
  await until(async () => (await callHost("b.test1:80")) === 200 && visible().includes(HOSTS[0]));

  await push([HOSTS[0]]);
  const detours = await envoy.stat("cluster.outbound|80||global-sidecar.fenceline.svc.cluster.local.upstream_rq_total");
  const kept = Date.now() + 3 * IDLE_WINDOW_MS;
  while (Date.now() < kept) assert.equal(await callHost("b.test1:80"), 200);
  assert.deepEqual(visible(), [HOSTS[0]], "access logs of direct calls keep the edge for three windows");
  assert.equal(
    await envoy.stat("cluster.outbound|80||global-sidecar.fenceline.svc.cluster.local.upstream_rq_total"),
    detours,
    "no further detour",
  );
  const direct = await envoy.stat(`cluster.outbound|80||${HOSTS[0]}.upstream_rq_total`);
  assert.ok(((await edge(HOSTS[0]))?.requests ?? 0) > direct / 2, "direct calls are counted");

  // Now the workload calls c only. Telemetry goes on, so the time in which b is not called is
  // observed time.
  await until(async () => (await callHost("c.test1:80")) === 200 && visible().includes(HOSTS[1]));
  await push(HOSTS);
  while (visible().includes(HOSTS[0])) assert.equal(await callHost("c.test1:80"), 200);
  assert.deepEqual(visible(), [HOSTS[1]]);
  assert.equal(await edge(HOSTS[0]), undefined);

  await push([HOSTS[1]]);
  assert.equal(await callHost("b.test1:80"), 200, "what aged out is learned again");
});

test("T-29 with a real Envoy: a host whose calls a VirtualService sends to another one stays as long as it is called", {
  skip,
}, async (t) => {
  const { call: callHost, push, visible, edge } = await setUp(t);
  for (const host of HOSTS) await until(async () => (await callHost(`${host}:80`)) === 200 && visible().includes(host));
  await push([HOSTS[1]], [virtualHost(HOSTS[0], `outbound|80||${HOSTS[1]}`)]);
  const before = (await edge(HOSTS[0]))?.requests ?? 0;
  const kept = Date.now() + 3 * IDLE_WINDOW_MS;
  while (Date.now() < kept) assert.equal(await callHost("b.test1:80"), 200);
  assert.deepEqual(visible(), HOSTS);
  assert.ok(((await edge(HOSTS[0]))?.requests ?? 0) > before);
  while (visible().includes(HOSTS[0])) assert.equal(await callHost("c.test1:80"), 200);
  assert.deepEqual(visible(), [HOSTS[1]], "without calls by its name it ages");
});

test("T-28 with a real Envoy: calls to the workload and to its agent are no telemetry of its own calls, and age nothing", {
  skip,
}, async (t) => {
  const { call: callHost, push, visible, edge, observedUntil } = await setUp(t);
  let calls = 0;
  const callB = () => {
    calls += 1;
    return callHost("b.test1:80");
  };
  await until(async () => (await callB()) === 200 && visible().includes(HOSTS[0]));
  const noCalls = NO_CALLS.map((name, index) => virtualHost(`in${index}.test1`, name));
  await push([HOSTS[0]], [...noCalls, virtualHost("a.test1", NO_CALLS[0])]);
  assert.equal(await callB(), 200);
  // T-31: the first calls are told by Envoy and by the fallback, and each counts once.
  await until(async () => (await edge(HOSTS[0]))?.requests === calls);
  const told = await observedUntil();
  const kept = Date.now() + 3 * IDLE_WINDOW_MS;
  while (Date.now() < kept) for (const host of ["in0.test1:80", "in1.test1:80", "a.test1:80"]) assert.equal(await callHost(host), 200);
  assert.deepEqual([visible(), (await edge(HOSTS[0]))?.requests], [[HOSTS[0]], calls]);
  assert.equal(await observedUntil(), told);
});

test("T-52 with a real Envoy: at level debug one request id leads from the fallback's decision to the access-log entry of the same call", {
  skip,
}, async (t) => {
  const lines: Record<string, unknown>[] = [];
  let wake = () => {};
  const write = (line: string) => {
    lines.push(JSON.parse(line));
    wake();
  };
  const { call: callHost } = await setUp(t, pino({ level: "debug", base: null }, { write }));
  assert.equal(await callHost("b.test1:80"), 200);
  const idOf = (wanted: string) =>
    lines.find(({ msg, requestId, via }) => msg === wanted && via === undefined && requestId !== undefined)?.requestId;
  while (idOf("edge seen") === undefined) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  assert.match(String(idOf("edge seen")), /^[0-9a-f-]{36}$/);
  assert.deepEqual([idOf("request routed"), idOf("request answered")], [idOf("edge seen"), idOf("edge seen")]);
});
