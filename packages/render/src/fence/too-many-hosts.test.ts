import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, Service, ServiceEntry, ServiceFence, VirtualService } from "@fenceline/api";
import { MeshHosts, Registry } from "@fenceline/registry";
import { egressHosts } from "./egress-hosts.ts";
import { renderFence, workloadLabels } from "./render-fence.ts";

const MIB = 1024 * 1024;

function rendered(spec: object) {
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { namespace: "shop", name: "a" },
    spec: { enable: true, ...spec },
  });
  const registry = new Registry({ services: [], endpointSlices: [] });
  const hosts = egressHosts({ fence, booked: [], registry, now: 0 });
  const config = Config.parse({});
  return renderFence({ fence, hosts, labels: workloadLabels(fence, registry, config), config, proxyVersions: [] });
}

const names = (count: number, length: number) => Array.from({ length: count }, (_, i) => `${i}-`.padEnd(length, "n"));

for (const [what, spec] of [
  ["namespaces", { namespaceSelector: names(100_000, 20) }],
  ["hosts", { host: Object.fromEntries(names(30_000, 50).map((name) => [`${name}.example.com`, null])) }],
] as const) {
  test(`T-08 a fence with more ${what} than a Sidecar takes is refused whole, and nothing is hidden by a part of them`, () => {
    const result = rendered(spec);
    assert.deepEqual(result.objects, []);
    assert.equal("refused" in result && result.refused.reason, "TooManyHosts");
    assert.match("refused" in result ? result.refused.message : "", /\d+ hosts with \d+ characters.*spec\.namespaceSelector/);
  });
}

test("T-08 as many hosts as a Sidecar takes are rendered, all of them", () => {
  const count = 10_000;
  const result = rendered({ host: Object.fromEntries(names(count, 60).map((name) => [`${name}.example.com`, null])) });
  const [, sidecar] = result.objects;
  assert.equal(sidecar?.kind === "Sidecar" && sidecar.spec.egress[0]?.hosts.length, count + 2);
  assert.ok(JSON.stringify(sidecar).length < 1.5 * MIB);
});

test("T-08 a fence that only observes has any number of hosts: it renders none of them", () => {
  const result = rendered({ namespaceSelector: names(100_000, 20), mode: "Observe" });
  assert.equal("refused" in result, false);
  assert.deepEqual(
    result.objects.map(({ kind }) => kind),
    ["EnvoyFilter"],
  );
});

for (const [tcp, others] of [
  [999, 999],
  [600, 420],
] as const)
  test(`T-08 ${tcp} and ${others} of the longest names that strangers add to every fence leave a Sidecar a quarter of its room`, () => {
    const shown = shownBesideStrangers(tcp, others);
    assert.ok(shown.includes("shop/b.shop.svc.cluster.local"));
    const { length } = shown.join("");
    assert.ok(length < 0.75 * MIB, `${shown.length} hosts with ${length} characters`);
  });

/** Hosts of a fence with one of its own, where a stranger makes so many of what all fences show. */
function shownBesideStrangers(tcp: number, others: number): readonly string[] {
  const evil = "e".repeat(63);
  const label = (at: number) => `${at}`.padStart(63, "x");
  const name = (at: number, part: string) => `${label(at)}.${label(at)}.${label(at)}.${part.padStart(61, "x")}`;
  const many = <T>(count: number, make: (at: number) => T) => Array.from({ length: count }, (_, at) => make(at));
  const object = (kind: string, at: number, spec: object) => ({
    ...{ apiVersion: kind === "Service" ? "v1" : "networking.istio.io/v1", kind },
    ...{ metadata: { namespace: evil, name: label(at) }, spec },
  });
  const services = many(tcp, (at) => Service.parse(object("Service", at, { ports: [{ name: "tcp", port: 9_000 }] })));
  const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
  const serviceEntries = many(others, (at) => ServiceEntry.parse(object("ServiceEntry", at, { hosts: [name(at, "entry")], ports })));
  const http = [{ route: many(200, (at) => ({ destination: { host: `${label(at)}.${evil}.svc.cluster.local` } })) }];
  const virtualServices = many(others, (at) => VirtualService.parse(object("VirtualService", at, { hosts: [name(at, "routed")], http })));
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { namespace: "shop", name: "a" },
    spec: { enable: true, host: { "b.shop.svc.cluster.local": {} } },
  });
  const registry = new Registry({ services, endpointSlices: [] });
  const hosts = egressHosts({ fence, booked: [], registry, meshHosts: new MeshHosts({ serviceEntries, virtualServices }), now: 0 });
  return hosts.flatMap(({ egress, also = [] }) => [egress, ...also]);
}
