import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests, type ReadKind } from "@fenceline/api";
import { PUMP, type Pump } from "@fenceline/api/testing";
import { renderPump } from "../testing/index.ts";
import { HTTP_CONNECTION_MANAGER, mergedInto, routesFirst } from "./patch.ts";

function pumpOf(stage: string): Pump {
  const spec = `{workloadLabels: {app: web}, pressure: 80, hosts: [b.test1, c.test1], stages: [{fillInterval: {}, ${stage}}]}`;
  const manifest = `{apiVersion: test.fenceline.io/v1, kind: Pump, metadata: {name: a, namespace: test1}, spec: ${spec}}`;
  const { objects } = parseManifests<Pump>(manifest, "pump.yaml", [PUMP as ReadKind<Pump>]);
  return objects[0] ?? assert.fail("no pump");
}

/** What each patch is for, in short. */
function placesOf(stage: string, quota = 7): readonly string[] {
  const { spec } = renderPump(pumpOf(stage), new Map([["in", quota]]));
  return spec.configPatches.map(({ applyTo, match, patch: { operation } }) => {
    const { context, routeConfiguration: { vhost } = {}, listener } = match ?? {};
    const place = [vhost?.name, vhost?.route?.name, listener?.portNumber].filter((part) => part !== undefined);
    return [applyTo, operation, context, ...place].join(" ");
  });
}

test("issue 14: a filter and what it says for a route go to calls to a workload, from it, and through a gateway", () => {
  assert.deepEqual(placesOf("name: in, listenerType: Inbound"), [
    "HTTP_ROUTE MERGE SIDECAR_INBOUND inbound|http|80 default",
    "HTTP_FILTER INSERT_BEFORE SIDECAR_INBOUND",
  ]);
  assert.deepEqual(placesOf("name: in, listenerType: Outbound"), [
    "VIRTUAL_HOST MERGE SIDECAR_OUTBOUND b.test1:80",
    "VIRTUAL_HOST MERGE SIDECAR_OUTBOUND c.test1:80",
    "HTTP_FILTER INSERT_BEFORE SIDECAR_OUTBOUND",
  ]);
  assert.deepEqual(placesOf("name: in, listenerType: Gateway").slice(2), ["HTTP_FILTER INSERT_BEFORE GATEWAY 80"]);
  assert.deepEqual(placesOf("name: in, listenerType: Inbound", 0)[1], "HTTP_ROUTE INSERT_FIRST SIDECAR_INBOUND");
});

test("issue 14: an EnvoyFilter of limits is applied after those of plugins, and its patches say what was asked for", () => {
  const { metadata, spec } = renderPump(pumpOf("name: in, listenerType: Inbound, settings: {mode: fast}"), new Map([["in", 7]]));
  assert.deepEqual([metadata.name, spec.workloadSelector, spec.priority], ["pump-a", { labels: { app: "web" } }, 20]);
  const config = { "@type": "type.googleapis.com/com.example.Pump" };
  assert.deepEqual(
    spec.configPatches.map(({ patch: { value } }) => value),
    [
      { typed_per_filter_config: { "com.example.pump": { ...config, stage: "in", quota: 7 } } },
      { name: "com.example.pump", typed_config: { mode: "fast", ...config } },
    ],
  );
});

test("issue 14: listeners, filters, route configurations and clusters are merged into; a cluster and a discovered filter are added", () => {
  const { spec } = renderPump(pumpOf("name: in, listenerType: Gateway, rawPatch: {a: 1}"), new Map([["in", 7]]));
  const context = "GATEWAY";
  const listener = (subFilter: string) => ({
    context,
    listener: { portNumber: 80, filterChain: { filter: { name: HTTP_CONNECTION_MANAGER, subFilter: { name: subFilter } } } },
  });
  const type = "type.googleapis.com/com.example.Pump";
  const merge = (value: object) => ({ operation: "MERGE", value });
  assert.deepEqual(spec.configPatches.slice(3), [
    { applyTo: "LISTENER", match: { context, listener: { portNumber: 80 } }, patch: merge({ a: 1 }) },
    {
      applyTo: "HTTP_FILTER",
      match: listener("com.example.pump"),
      patch: merge({ name: "com.example.pump", typed_config: { "@type": type, a: 1 } }),
    },
    { applyTo: "ROUTE_CONFIGURATION", match: { context, routeConfiguration: {} }, patch: merge({ a: 1 }) },
    ...["b.test1", "c.test1"].map((service) => ({
      applyTo: "CLUSTER",
      match: { context, cluster: { service, portNumber: 80 } },
      patch: merge({ a: 1 }),
    })),
    { applyTo: "CLUSTER", match: { context }, patch: { operation: "ADD", value: { name: "com.example.pump", type: "STRICT_DNS" } } },
    {
      applyTo: "EXTENSION_CONFIG",
      patch: { operation: "ADD", value: { name: "com.example.pump.wasm", typed_config: { "@type": type, stage: "all" } } },
    },
    {
      applyTo: "HTTP_FILTER",
      match: listener("envoy.filters.http.router"),
      patch: {
        operation: "INSERT_BEFORE",
        value: {
          name: "com.example.pump.wasm",
          config_discovery: { config_source: { ads: {} }, type_urls: [type], default_config: { "@type": type, stage: "none" } },
        },
      },
    },
  ]);
});

test("a place may be one port, one virtual host, and proxies of one version", () => {
  const proxy = { proxyVersion: "^1\\.30.*" };
  const context = "SIDECAR_INBOUND";
  const filter = mergedInto({ applyTo: "NETWORK_FILTER", filter: HTTP_CONNECTION_MANAGER, context, portNumber: 8443, proxy }, {});
  assert.deepEqual(filter.match, {
    context,
    proxy,
    listener: { portNumber: 8443, filterChain: { filter: { name: HTTP_CONNECTION_MANAGER } } },
  });
  const routes = [{ name: "one" }, { name: "two" }];
  const match = { context, proxy, routeConfiguration: { vhost: { name: "x" } } };
  // Each goes in front of the one before it.
  assert.deepEqual(
    routesFirst({ context, virtualHost: "x", proxy }, routes),
    routes.toReversed().map((value) => ({ applyTo: "HTTP_ROUTE", match, patch: { operation: "INSERT_FIRST", value } })),
  );
});
