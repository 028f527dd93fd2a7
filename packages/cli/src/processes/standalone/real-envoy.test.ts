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

/** Routes of an Envoy that knows these hosts, with the fence's catch-all behind them. */
function routes(known: readonly string[], fallbackRoute: unknown): object {
  const direct = known.map((host) => ({
    name: host,
    domains: [`${host.split(".").slice(0, 2).join(".")}:80`],
    routes: [{ match: { prefix: "/" }, route: { cluster: `outbound|80||${host}` } }],
  }));
  return { virtual_hosts: [...direct, { name: "allow_any", domains: ["*"], routes: [fallbackRoute] }] };
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
  ];
  assert.ok(binary !== undefined, "no Envoy binary");
  const envoy = await startEnvoy(binary, (path) => bootstrap(path, connectionManager, clusters), routes([], fallbackRoute));
  undo(() => envoy.stop());
  return {
    seenByB,
    envoy,
    call: (host: string) => call(envoy.port, host),
    push: (known: readonly string[]) => envoy.setRoutes(routes(known, fallbackRoute)),
    /** Hosts in the Sidecar. */
    visible: () => HOSTS.filter((host) => readFileSync(join(folder, "rendered/test1/Sidecar-a.yaml"), "utf8").includes(`test1/${host}`)),
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
