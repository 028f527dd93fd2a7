import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, Service } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { Registry } from "@fenceline/registry";
import { egressHosts, renderFence, workloadLabels } from "@fenceline/render/fence";
import { fenceOf, meshOf } from "../testing/mesh.ts";
import { seedAutoHosts } from "./auto-hosts.ts";
import { ageingPolicy, takeOver } from "./take-over.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const CONFIG = Config.parse({});

const services = (...names: string[]) =>
  names
    .map((name) => name.split("."))
    .map(([name, namespace]) => `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ${namespace}}, spec: {}}`)
    .join("\n---\n");

/** Counts how many Services a warm-up looks at. */
class CountingRegistry extends Registry {
  hostsAsked = 0;
  override hostOf(service: Service): string {
    this.hostsAsked += 1;
    return super.hostOf(service);
  }
}

function opened(spec: object, registry: Registry) {
  const fence = fenceOf(spec, "shop");
  const edges = new FenceEdges(ageingPolicy(fence, CONFIG, registry));
  const leftOut = takeOver(edges, fence, registry, NOW);
  return { fence, edges, leftOut, hosts: edges.hosts().map(({ host }) => host.replace(".svc.cluster.local", "")) };
}

const MESH = ["z.shop", "a.alpha", "b.shop", "m.zoo", "a.zoo"];

for (const order of [MESH, MESH.toReversed()])
  test(`T-24 a warm-up with the whole mesh takes all of it, whatever maxHosts is, and in whatever order the mesh is listed: ${order[0]} first`, () => {
    const { registry } = meshOf(services(...order));
    for (const maxHosts of [1, 3, 5]) {
      const { hosts, leftOut } = opened({ maxHosts, warmUp: { preload: "All" } }, registry);
      assert.deepEqual([hosts, leftOut], [["a.alpha", "a.zoo", "b.shop", "m.zoo", "z.shop"], undefined]);
    }
  });

test("T-24 hosts of a warm-up with the whole mesh take no room until they are called; what is in use makes none for newcomers", () => {
  const { registry } = meshOf(services(...MESH));
  const { edges } = opened({ maxHosts: 2, warmUp: { preload: "All" } }, registry);
  const call = (host: string) => edges.observe(host, 80, 1, NOW + 1);
  assert.equal(edges.isAtCapacity, false);
  assert.equal(call("b.shop.svc.cluster.local"), false);
  assert.equal(edges.isAtCapacity, false);
  assert.deepEqual(["one.example.com", "two.example.com"].map(call), [true, false]);
  assert.deepEqual([edges.isAtCapacity, edges.size], [true, 6]);
  // Of the mesh, all may be in use.
  for (const host of MESH) call(`${host}.svc.cluster.local`);
  assert.deepEqual([call("two.example.com"), edges.size], [false, 6]);
});

test("T-24 hosts of a warm-up with the whole mesh that nobody called leave beyond maxHosts when the spec says it no more", () => {
  const { registry } = meshOf(services(...MESH));
  const { edges } = opened({ maxHosts: 2, warmUp: { preload: "All" } }, registry);
  edges.observe("z.shop.svc.cluster.local", 80, 1, NOW + 1);
  edges.setPolicy(ageingPolicy(fenceOf({ maxHosts: 2 }, "shop"), CONFIG, registry));
  assert.deepEqual([edges.size, edges.has("z.shop.svc.cluster.local")], [2, true]);
});

test("T-24 a warm-up with the whole mesh goes up to 100,000 hosts, and tells what is left out", () => {
  const metadata = (n: number) => ({ name: `s${n}`, namespace: "zoo" });
  const many = Array.from(
    { length: 100_002 },
    (_, n) => ({ apiVersion: "v1", kind: "Service", metadata: metadata(n), spec: {} }) as Service,
  );
  const { edges, leftOut } = opened({ warmUp: { preload: "All" } }, new Registry({ services: many, endpointSlices: [] }));
  assert.equal(edges.size, 100_000);
  assert.match(leftOut ?? "", /^s\d+\.zoo\./);
});

test("T-08 a warm-up with its namespace takes the first by name, one with a list the first of the list", () => {
  const { registry } = meshOf(services(...MESH));
  assert.deepEqual(opened({ maxHosts: 1, warmUp: { preload: "Namespace" } }, registry).hosts, ["b.shop"]);
  assert.deepEqual(opened({ maxHosts: 2, warmUp: { preload: ["m.zoo", "z", "b"] } }, registry).hosts, ["m.zoo", "z.shop"]);
});

test("T-08 the first host that a warm-up has no room for is told; one that is there already, or that is declared, is not", () => {
  const { registry } = meshOf(services(...MESH));
  const left = (spec: object) => opened(spec, registry).leftOut;
  assert.equal(left({ maxHosts: 1, warmUp: { preload: "Namespace" } }), "z.shop.svc.cluster.local");
  assert.equal(left({ maxHosts: 1, warmUp: { preload: ["b", "z"] } }), "z.shop.svc.cluster.local");
  assert.equal(left({ maxHosts: 5, warmUp: { preload: "All" } }), undefined);
  assert.equal(left({ maxHosts: 1, warmUp: { preload: ["b", "b.shop"] } }), undefined);
  assert.equal(left({ maxHosts: 1, host: { z: null }, warmUp: { preload: ["b", "z"] } }), undefined);
});

test("T-08 a warm-up looks at no more Services of a large namespace than find room", () => {
  const metadata = (n: number) => ({ name: `s${n}`, namespace: "shop" });
  const many = Array.from({ length: 5_000 }, (_, n) =>
    Service.parse({ apiVersion: "v1", kind: "Service", metadata: metadata(n), spec: {} }),
  );
  const registry = new CountingRegistry({ services: many, endpointSlices: [] });
  assert.equal(opened({ maxHosts: 10, warmUp: { preload: "Namespace" } }, registry).hosts.length, 10);
  assert.ok(registry.hostsAsked <= 11, `${registry.hostsAsked} hosts asked for`);
});

const auto = (...hosts: string[]) => Object.fromEntries(hosts.map((host) => [host, { auto: {} }]));

test("T-08 each host with the auto strategy is shown, however small maxHosts is, and none takes the room of learned ones", () => {
  const { registry } = meshOf(services(...MESH));
  const { edges, hosts } = opened({ maxHosts: 1, host: auto("a.alpha", "b", "m.zoo") }, registry);
  assert.deepEqual(hosts, ["a.alpha", "b.shop", "m.zoo"]);
  assert.equal(edges.isAtCapacity, false);
  assert.deepEqual(
    ["z.shop.svc.cluster.local", "a.zoo.svc.cluster.local"].map((host) => edges.observe(host, 80, 1, NOW)),
    [true, false],
  );
});

test("T-08 a fence with more hosts with the auto strategy than a Sidecar takes is refused whole, as with other static ones", () => {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const names = Array.from({ length: 30_000 }, (_, n) => `${`${n}-`.padEnd(50, "n")}.example.com`);
  const { fence, edges } = opened({ maxHosts: 1, host: auto(...names) }, registry);
  const hosts = egressHosts({ fence, booked: edges.hosts(), registry, now: NOW });
  const rendered = renderFence({ fence, hosts, labels: workloadLabels(fence, registry, CONFIG), config: CONFIG, proxyVersions: [] });
  assert.equal("refused" in rendered && rendered.refused.reason, "TooManyHosts");
});

test("T-08 hosts with the auto strategy that come and go in the spec leave no more behind than maxHosts, but those that were called", () => {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const { edges } = opened({ maxHosts: 5, host: auto("called.example.com") }, registry);
  edges.observe("called.example.com", 80, 1, NOW);
  for (let round = 0; round < 20; round += 1) {
    const fence = fenceOf({ maxHosts: 5, host: auto(...Array.from({ length: 10 }, (_, n) => `${round}-${n}.example.com`)) }, "shop");
    edges.setPolicy(ageingPolicy(fence, CONFIG, registry));
    seedAutoHosts(edges, fence, registry, NOW);
  }
  edges.setPolicy(ageingPolicy(fenceOf({ maxHosts: 5 }, "shop"), CONFIG, registry));
  assert.equal(edges.size, 5);
  assert.equal(edges.has("called.example.com"), true);
});
