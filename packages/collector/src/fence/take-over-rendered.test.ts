import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceFence, type Sidecar, withHosts } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { CAPTURED_MESH, CONFIG, meshOf } from "../testing/mesh.ts";
import { ageingPolicy } from "./take-over.ts";
import { takeOverRendered } from "./take-over-rendered.ts";

const B = "b.test1.svc.cluster.local";
const WEB = "web.shop.svc.cluster.local";
const TCPSVC = "tcpsvc.test1.svc.cluster.local";
const NOW = Date.parse("2026-11-29T00:00:00Z");

/** The hosts that a fence has learned after it took over a Sidecar with these. */
function learnedFrom(
  hosts: readonly string[],
  fields: object = {},
  parked: readonly string[] = [],
  mesh = meshOf(CAPTURED_MESH),
): readonly string[] {
  const { registry, meshHosts, systemHosts: system } = mesh;
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name: "a", namespace: "test1" },
    ...fields,
  });
  const edges = new FenceEdges(ageingPolicy(fence, CONFIG, registry));
  const sidecar: Sidecar = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: { name: "a", namespace: "test1", labels: {} },
    spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts: [...hosts] }] },
  };
  takeOverRendered({ edges, fence, present: [withHosts(sidecar, hosts, parked)], registry, meshHosts, system, now: NOW });
  return edges.hosts().map(({ host }) => host);
}

test("T-13 a host that only the rendered Sidecar has was learned by a leader that died before it wrote the status", () => {
  assert.deepEqual(learnedFrom(["istio-system/*", "mesh-operator/*", `test1/${B}`]), [B]);
});

test("T-13 a host for which the spec or the status accounts is not taken for a learned one", () => {
  const enabled = { enable: true };
  assert.deepEqual(learnedFrom([`test1/${B}`], { spec: { ...enabled, host: { [B]: { stable: {} } } } }), []);
  const expired = { domains: { [B]: { hosts: [B], status: "EXPIRE", source: "static" } } };
  assert.deepEqual(learnedFrom([`test1/${B}`], { spec: enabled, status: expired }), []);
  // What stays visible since connections to it cannot be redirected.
  assert.deepEqual(learnedFrom([`test1/${TCPSVC}`], { spec: { ...enabled, tcp: "visible" } }), []);
});

test("T-13 a host of which no Service exists is not taken over, and neither is a whole namespace", () => {
  assert.deepEqual(learnedFrom(["shop/*", "test1/gone.test1.svc.cluster.local", "*/www.example.com", `shop/${WEB}`]), [WEB]);
});

test("a host that is parked on its way out is not taken for a learned one", () => {
  assert.deepEqual(learnedFrom([`shop/${WEB}`], {}, [`test1/${B}`]), [WEB]);
});

test("issue 16: what a VirtualService sends the calls of a host to is not taken for a learned one, nor are Services of ours", () => {
  const routes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b, namespace: shop}
spec: {hosts: [${B}], http: [{route: [{destination: {host: web}}]}]}
`;
  const mesh = meshOf([CAPTURED_MESH, routes].join("\n---\n"));
  const shown = [`test1/${B}`, `shop/${B}`, `shop/${WEB}`, "mesh-operator/global-sidecar.mesh-operator.svc.cluster.local"];
  const named = { spec: { enable: true, host: { [B]: { stable: {} } } } };
  assert.deepEqual(learnedFrom(shown, named, [], mesh), []);
  assert.deepEqual(learnedFrom(shown, named), [WEB], "without the VirtualService it must have been called");
});
