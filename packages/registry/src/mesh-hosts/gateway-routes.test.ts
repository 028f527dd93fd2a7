import assert from "node:assert/strict";
import { test } from "node:test";
import { type GatewayRoute, parseManifests } from "@fenceline/api";
import { MeshHosts } from "./mesh-hosts.ts";

const B = "b.test2.svc.cluster.local";
const PARENT = { group: "", kind: "Service", name: "b", namespace: "test2" };

function route(spec: object, kind = "HTTPRoute", version = "v1"): readonly GatewayRoute[] {
  const object = { apiVersion: `gateway.networking.k8s.io/${version}`, kind, metadata: { name: "one", namespace: "third" }, spec };
  return parseManifests(JSON.stringify(object), "mesh.yaml").objects as readonly object[] as readonly GatewayRoute[];
}

const mirrorTo = (backendRef: object) => ({ type: "RequestMirror", requestMirror: { backendRef } });

test("issue 16: an HTTPRoute with a Service for a parent is in force for calls to it, and may send them to its backends and mirrors", () => {
  const rules = [
    {
      backendRefs: [{ name: "canary", port: 80, filters: [mirrorTo({ name: "shadow", port: 80 })] }],
      filters: [mirrorTo({ name: "tap", namespace: "test4", port: 80 }), { type: "URLRewrite" }],
    },
    {
      backendRefs: [
        { group: "networking.istio.io", kind: "Hostname", name: "Api.example", port: 443 },
        { group: "other.io", kind: "Service", name: "no" },
      ],
    },
  ];
  const hosts = new MeshHosts({ gatewayRoutes: route({ parentRefs: [{ ...PARENT, port: 80 }, { name: "edge" }], rules }) });
  const destinations = ["canary.third", "tap.test4", "shadow.third"].map((name) => `${name}.svc.cluster.local`);
  assert.deepEqual(hosts.routesFor(B, "test1"), [{ namespace: "third", destinations: [...destinations, "api.example"] }]);
  assert.deepEqual(hosts.routesFor("edge.third.svc.cluster.local", "test1"), [], "a parent without a kind is a Gateway");
});

for (const [kind, version] of [
  ["HTTPRoute", "v1beta1"],
  ["GRPCRoute", "v1"],
  ["GRPCRoute", "v1alpha2"],
  ["TCPRoute", "v1alpha2"],
  ["TCPRoute", "v1"],
  ["TLSRoute", "v1alpha2"],
  ["TLSRoute", "v1alpha3"],
  ["TLSRoute", "v1"],
] as const)
  test(`issue 16: so is a ${kind} of ${version}`, () => {
    const hosts = new MeshHosts({
      gatewayRoutes: route({ parentRefs: [PARENT], rules: [{ backendRefs: [{ name: "c" }] }] }, kind, version),
    });
    assert.deepEqual(hosts.routesFor(B, "test1"), [{ namespace: "third", destinations: ["c.third.svc.cluster.local"] }]);
  });

test("issue 16: who sees VirtualServices without exportTo sees routes", () => {
  const gatewayRoutes = route({ parentRefs: [PARENT] });
  const hosts = new MeshHosts({ gatewayRoutes, defaults: { serviceEntries: [], virtualServices: ["."] } });
  assert.deepEqual([hosts.routesFor(B, "test1").length, hosts.routesFor(B, "third").length], [0, 1]);
});

test("issue 16: a route that changes or goes touches whoever calls its parents, before and after; one for gateways nobody", () => {
  const [before, after, edge] = [
    route({ parentRefs: [PARENT] })[0],
    route({ parentRefs: [{ ...PARENT, name: "d" }] })[0],
    route({ parentRefs: [{ name: "edge" }] })[0],
  ];
  const hosts = new MeshHosts({ gatewayRoutes: [before].flatMap((each) => each ?? []) });
  const { version } = hosts;
  hosts.apply({ gatewayRoutes: [{ before: undefined, after: edge }] });
  assert.equal(hosts.version, version);
  hosts.apply({ gatewayRoutes: [{ before, after }] });
  assert.deepEqual([hosts.routesFor(B, "test1").length, hosts.routesFor("d.test2.svc.cluster.local", "test1").length], [0, 1]);
  const touched = hosts.touchedRoutes({ gatewayRoutes: [{ before, after }] }).flatMap((each) => each.hosts);
  assert.deepEqual(touched, [B, "d.test2.svc.cluster.local"]);
  hosts.apply({ gatewayRoutes: [{ before: after, after: edge }] });
  assert.deepEqual(hosts.routesFor("d.test2.svc.cluster.local", "test1"), [], "a route that has no Service for a parent any more");
});

test("issue 16: a route and a VirtualService of one name are two", () => {
  const [one] = route({ parentRefs: [PARENT] });
  const [other] = route({ parentRefs: [PARENT] }, "GRPCRoute");
  const hosts = new MeshHosts({ gatewayRoutes: [one, other].flatMap((each) => each ?? []) });
  assert.equal(hosts.routesFor(B, "test1").length, 2);
  hosts.apply({ gatewayRoutes: [{ before: other, after: undefined }] });
  assert.equal(hosts.routesFor(B, "test1").length, 1);
});

test("issue 16: a route that is nonsense has no parents", () => {
  for (const spec of [
    {},
    { parentRefs: 7 },
    { parentRefs: [7, null, { kind: "Service" }], rules: { a: 1 } },
    { parentRefs: [PARENT], rules: [{ backendRefs: [{ name: 7 }] }] },
  ])
    assert.ok(new MeshHosts({ gatewayRoutes: route(spec) }).routesFor(B, "test1").every(({ destinations }) => destinations.length === 0));
});
