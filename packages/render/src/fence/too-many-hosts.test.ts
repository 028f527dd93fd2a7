import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
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
