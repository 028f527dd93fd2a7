import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, formatFenceKey, Service, ServiceEntry } from "@fenceline/api";
import fc from "fast-check";
import { DeclaredPorts } from "./declared-ports.ts";

const config = Config.parse({ namespace: "mesh-operator" });

const anyService = fc
  .record({
    namespace: fc.constantFrom("shop", "shop-eu", "mesh-operator"),
    name: fc.constantFrom("a", "b"),
    type: fc.constantFrom("ClusterIP", "ExternalName"),
    ports: fc.uniqueArray(fc.record({ port: fc.integer({ min: 80, max: 84 }), name: fc.constantFrom("http", "tcp") }), {
      selector: ({ port }) => port,
    }),
  })
  .map(({ namespace, name, type, ports }) =>
    Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace, name }, spec: { type, ports } }),
  );

/** `80: 2 in shop, shop-eu` */
function claimsOf(declared: DeclaredPorts): readonly string[] {
  return [...declared.claims()]
    .map(({ port, services, namespaces }) => `${port}: ${services} in ${[...namespaces].sort().join(", ")}`)
    .sort();
}

test("law: whatever came, changed and went, and was told twice: the claims are those of the Services that there are", () => {
  const step = fc.record({ service: anyService, isGone: fc.boolean(), times: fc.constantFrom(1, 2) });
  fc.assert(
    fc.property(fc.array(anyService, { maxLength: 4 }), fc.array(step, { maxLength: 20 }), (first, steps) => {
      const present = new Map(first.map((service) => [formatFenceKey(service.metadata), service]));
      const declared = new DeclaredPorts(present.values(), config);
      for (const { service, isGone, times } of steps) {
        const key = formatFenceKey(service.metadata);
        const change = { before: present.get(key), after: isGone ? undefined : service };
        for (let time = 0; time < times; time += 1) declared.changed(change);
        if (isGone) present.delete(key);
        else present.set(key, service);
      }
      assert.deepEqual(claimsOf(declared), claimsOf(new DeclaredPorts(present.values(), config)));
    }),
  );
});

test("issue 16: HTTP ports of a ServiceEntry count as those of a Service do, whichever have one name", () => {
  const metadata = { namespace: "shop", name: "a" };
  const ports = [
    { number: 8_080, name: "plain", protocol: "HTTP" },
    { number: 9_090, name: "calls", protocol: "grpc" },
    { number: 443, name: "http-tls", protocol: "TLS" },
  ];
  const entry = ServiceEntry.parse({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata,
    spec: { hosts: ["a.example"], ports },
  });
  const service = Service.parse({ apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ name: "http", port: 8_080 }] } });
  const declared = new DeclaredPorts([entry, service], config);
  assert.deepEqual(claimsOf(declared), ["8080: 2 in shop", "9090: 1 in shop"]);
  declared.changed({ before: entry, after: undefined });
  assert.deepEqual(claimsOf(declared), ["8080: 1 in shop"]);
});

test("what several Services declare as HTTP counts for each, and for each of their namespaces; what no fence may hide does not", () => {
  const of = (namespace: string, name: string, ...ports: readonly object[]) =>
    Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace, name }, spec: { ports } });
  const [http, tcp] = [
    { name: "http", port: 80 },
    { name: "tcp", port: 81 },
  ];
  const declared = new DeclaredPorts(
    [
      of("shop", "a", http, tcp),
      of("shop", "b", http),
      of("test1", "c", http),
      of("mesh-operator", "d", http),
      of("istio-system", "e", http),
    ],
    config,
  );
  assert.deepEqual(claimsOf(declared), ["80: 3 in shop, test1"]);
});
