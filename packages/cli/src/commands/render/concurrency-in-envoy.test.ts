/** Issue 17: a limit of concurrency, as it is rendered, in a real Envoy. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { EnvoyFilter } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { parse } from "yaml";
import { toolPath } from "../../../../../scripts/tools/tools.mjs";
import { startEnvoy } from "../../testing/envoy.ts";

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const PREFIX = "type.googleapis.com/envoy.extensions.filters";

const LIMITER = `
apiVersion: microservice.slime.io/v1alpha2
kind: SmartLimiter
metadata: {name: a, namespace: shop}
spec:
  workloadSelector: {app: a}
  sets:
    _base:
      descriptor:
        - {condition: "true", action: {kind: concurrency, fillInterval: {seconds: 1}, quota: "100"}, target: {port: 80}}
`;

function renderedPatches() {
  const { stdout } = spawnSync(process.execPath, [MAIN, "render", "-f", "-"], { input: LIMITER, encoding: "utf8" });
  const { configPatches } = (parse(stdout) as EnvoyFilter).spec;
  const valueAt = (kind: string) => configPatches.find(({ applyTo }) => applyTo === kind)?.patch.value as object;
  return { filter: valueAt("HTTP_FILTER"), route: valueAt("HTTP_ROUTE") };
}

/** A service that answers when it is told to. */
async function startSlowService(t: TestContext) {
  const held: ServerResponse[] = [];
  const server = createServer((_, response) => void held.push(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { port, held, answer: () => held.splice(0).map((response) => response.end("done")) };
}

function bootstrapOf(filter: object, routesPath: string, port: number): object {
  const rds = { route_config_name: "routes", config_source: { path_config_source: { path: routesPath }, resource_api_version: "V3" } };
  const manager = {
    "@type": `${PREFIX}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "outbound",
    rds,
    http_filters: [filter, { name: "router", typed_config: { "@type": `${PREFIX}.http.router.v3.Router` } }],
  };
  const filters = [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }];
  const [listener, endpoint] = [0, port].map((port_value) => ({ socket_address: { address: "127.0.0.1", port_value } }));
  const load_assignment = { cluster_name: "service", endpoints: [{ lb_endpoints: [{ endpoint: { address: endpoint } }] }] };
  return {
    node: { id: "sidecar~127.0.0.1~a.shop~shop", cluster: "a.shop" },
    static_resources: {
      listeners: [{ name: "l", address: listener, filter_chains: [{ filters }] }],
      clusters: [{ name: "service", load_assignment }],
    },
  };
}

test("issue 17: a limit of concurrency lets so many requests be under way at its place, and all of them elsewhere", { skip }, async (t) => {
  const { filter, route } = renderedPatches();
  const service = await startSlowService(t);
  const to = { route: { cluster: "service" } };
  const routes = [
    { match: { prefix: "/limited" }, ...to, ...route },
    { match: { prefix: "/" }, ...to },
  ];
  const virtual_hosts = [{ name: "all", domains: ["*"], routes }];
  const envoy = await startEnvoy(binary ?? "envoy", (routesPath) => bootstrapOf(filter, routesPath, service.port), { virtual_hosts });
  t.after(() => envoy.stop());
  const statuses: number[] = [];
  const call = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${envoy.port}${path}`);
    await response.text();
    statuses.push(response.status);
  };
  // Until Envoy has measured how fast the service is, no more than `least` pass: 3.
  const limited = Array.from({ length: 5 }, () => call("/limited"));
  await until(() => service.held.length === 3 && statuses.length === 2);
  assert.deepEqual(statuses, [503, 503]);
  const others = Array.from({ length: 5 }, () => call("/other"));
  await until(() => service.held.length === 8);
  service.answer();
  await Promise.all([...limited, ...others]);
  assert.deepEqual(
    statuses.slice(2),
    Array.from({ length: 8 }, () => 200),
  );
  const again = call("/limited");
  await until(() => service.held.length === 1);
  service.answer();
  await again;
  assert.equal(statuses.at(-1), 200);
});
