import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigPatch } from "@fenceline/api";
import fc from "fast-check";
import { type FilterPhase, filterSpec, type HttpFilter, httpFilterPatches } from "./filter-order.ts";

const filter = (name: string, phase: FilterPhase): HttpFilter => ({ name, phase, config: { "@type": `type.googleapis.com/${name}` } });
const ON_DEMAND = filter("envoy.filters.http.on_demand", "onDemand");
const LIMIT = filter("envoy.filters.http.local_ratelimit", "limit");
const PLUGINS = [filter("com.example.b", "plugin"), filter("com.example.a", "plugin")];
const INBOUND = { context: "SIDECAR_INBOUND" } as const;

/**
 * Names as they stand in the chain, from the caller to the router: each patch inserts right before
 * it.
 */
function chainOf(patches: readonly ConfigPatch[]): readonly unknown[] {
  return patches.map(({ patch: { value } }) => (value as { readonly name: string }).name);
}

test("filters of any name stand by their phases, whatever order they are given in; within one as they are given", () => {
  const wanted = [ON_DEMAND, ...PLUGINS, LIMIT].map(({ name }) => name);
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (order) => {
      const given = order.flatMap((part) => [[ON_DEMAND], PLUGINS, [LIMIT]][part] ?? []);
      assert.deepEqual(chainOf(httpFilterPatches(given, INBOUND)), wanted);
    }),
  );
});

test("an EnvoyFilter of a later phase is applied later, and one of the first has Istio's default", () => {
  assert.deepEqual(
    (["onDemand", "plugin", "limit"] as const).map((phase) => filterSpec(phase, {}, []).priority ?? 0),
    [0, 10, 20],
  );
});

test("a filter goes into the listeners, and the proxies, that are named", () => {
  const [patch] = httpFilterPatches([LIMIT], { context: "GATEWAY", portNumber: 8443, proxy: { proxyVersion: "^1\\.30.*" } });
  assert.deepEqual(patch, {
    applyTo: "HTTP_FILTER",
    match: {
      context: "GATEWAY",
      proxy: { proxyVersion: "^1\\.30.*" },
      listener: {
        portNumber: 8443,
        filterChain: {
          filter: { name: "envoy.filters.network.http_connection_manager", subFilter: { name: "envoy.filters.http.router" } },
        },
      },
    },
    patch: {
      operation: "INSERT_BEFORE",
      value: { name: LIMIT.name, typed_config: { "@type": "type.googleapis.com/envoy.filters.http.local_ratelimit" } },
    },
  });
});

test("what limits and plugins say to Envoy has its type: routes, virtual hosts, discovered configurations; a match of another sort has none", () => {
  const vhost = { name: "inbound|http|80", route: { name: "default" } };
  const patches: readonly ConfigPatch[] = [
    {
      applyTo: "HTTP_ROUTE",
      match: { ...INBOUND, routeConfiguration: { vhost } },
      patch: { operation: "MERGE", value: { route: { rate_limits: [] } } },
    },
    { applyTo: "EXTENSION_CONFIG", patch: { operation: "ADD", value: { name: "com.example.a" } } },
    { applyTo: "CLUSTER", match: { context: "SIDECAR_OUTBOUND", cluster: { service: "a" } }, patch: { operation: "REMOVE" } },
    // @ts-expect-error: a route is not in a listener, and istiod would ignore that
    { applyTo: "HTTP_ROUTE", match: { ...INBOUND, listener: { portNumber: 80 } }, patch: { operation: "MERGE", value: {} } },
    // @ts-expect-error: what is added has a value
    { applyTo: "EXTENSION_CONFIG", patch: { operation: "ADD" } },
  ];
  assert.equal(patches.length, 5);
});
