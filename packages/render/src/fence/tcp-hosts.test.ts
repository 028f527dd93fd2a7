import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, Service, ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { egressHosts } from "./egress-hosts.ts";
import { renderFence, workloadLabels } from "./render-fence.ts";

/** The hosts of a Sidecar in a mesh that has so many TCP services in each namespace. */
function rendered(services: Readonly<Record<string, number>>, spec: object = {}): readonly string[] {
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { namespace: "shop", name: "a" },
    spec: { enable: true, ...spec },
  });
  const registry = new Registry({
    services: Object.entries(services).flatMap(([namespace, count]) =>
      Array.from({ length: count }, (_, at) => service(namespace, `${at}`.padStart(63, "s"))),
    ),
    endpointSlices: [],
  });
  const hosts = egressHosts({ fence, booked: [], registry, now: 0 });
  const config = Config.parse({});
  const result = renderFence({ fence, hosts, labels: workloadLabels(fence, registry, config), config, proxyVersions: [] });
  assert.equal("refused" in result, false);
  const [, sidecar] = result.objects;
  assert.ok(sidecar?.kind === "Sidecar");
  return sidecar.spec.egress[0]?.hosts ?? [];
}

function service(namespace: string, name: string): Service {
  return Service.parse({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name },
    spec: { ports: [{ name: "tcp", port: 9_000 }] },
  });
}

test("T-08 a namespace with thousands of TCP services has one wildcard in the fences of others, which stay in force", () => {
  const hosts = rendered({ evil: 20_000, shop: 3 });
  assert.deepEqual(
    hosts.filter((host) => host.startsWith("evil/")),
    // Not `evil/*`: that brings its VirtualServices for the hosts of others along.
    ["evil/*.evil.svc.cluster.local"],
  );
  assert.equal(hosts.filter((host) => /^shop\/s+\d\.shop/.test(host)).length, 3);
});

test("T-08 only the namespaces with the most TCP services get wildcards, however many namespaces share them", () => {
  const hosts = rendered({
    evil: 900,
    worse: 901,
    shop: 90,
    cart: 50,
    ...Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`n${at}`, 1])),
  });
  assert.deepEqual(
    hosts.filter((host) => host.includes("*.")),
    ["evil/*.evil.svc.cluster.local", "worse/*.worse.svc.cluster.local"],
  );
  assert.equal(hosts.filter((host) => host.startsWith("shop/s")).length, 90);
});

test("T-08 as many TCP services as a mesh usually has are shown one by one", () => {
  assert.equal(rendered({ evil: 990, shop: 10 }).length, 1_002);
});
