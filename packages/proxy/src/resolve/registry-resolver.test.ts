import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointSlice, Service } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { createRegistryResolver } from "./registry-resolver.ts";

function registryWith(...ready: string[]): Registry {
  const service = Service.parse({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "details", namespace: "bookinfo" },
    spec: { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80 }] },
  });
  const slice = EndpointSlice.parse({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "details-1", namespace: "bookinfo", labels: { "kubernetes.io/service-name": "details" } },
    endpoints: [...ready.map((address) => ({ addresses: [address] })), { addresses: ["10.1.9.9"], conditions: { ready: false } }],
    ports: [{ name: "http", port: 9080 }],
  });
  return new Registry({ services: [service], endpointSlices: [slice] });
}

const named = (host: string, port = 80) => ({ host, kind: "name" as const, port, namespace: "bookinfo" });
const addressed = (host: string, port: number) => ({ host, kind: "ipv4" as const, port, namespace: undefined });

test("a host resolves to the ready endpoints of its service, however it is spelled", async () => {
  const resolver = createRegistryResolver(() => registry);
  const registry = registryWith("10.1.0.1", "10.1.0.2");

  for (const host of ["details", "details.bookinfo", "details.bookinfo.svc.cluster.local"]) {
    const addresses = await resolver.resolve(named(host));
    assert.deepEqual(
      addresses?.map(({ origin }) => origin),
      ["http://10.1.0.1:9080", "http://10.1.0.2:9080"],
    );
  }
});

test("no such service, no such port and no ready endpoint are told apart", async () => {
  const registry = registryWith();
  const resolver = createRegistryResolver(() => registry);
  assert.equal(await resolver.resolve(named("none")), undefined);
  assert.deepEqual(await resolver.resolve(named("details", 81)), []);
  assert.deepEqual(await resolver.resolve(named("details")), []);
});

test("a ClusterIP resolves to its service's endpoints, an endpoint's address to itself, any other to nothing", async () => {
  const registry = registryWith("10.1.0.1", "10.1.0.2");
  const resolver = createRegistryResolver(() => registry);
  assert.equal((await resolver.resolve(addressed("10.96.0.1", 80)))?.length, 2);
  assert.deepEqual(
    (await resolver.resolve(addressed("10.1.0.2", 9080)))?.map(({ address }) => address),
    ["10.1.0.2"],
  );
  assert.equal(await resolver.resolve(addressed("10.1.0.2", 22)), undefined);
  assert.equal(await resolver.resolve(addressed("10.2.0.1", 80)), undefined);
});

test("T-08 an endpoint whose slice spells its IPv6 address in another way resolves to itself alone", async () => {
  const registry = registryWith("fd00:0::1", "FD00::2");
  const resolver = createRegistryResolver(() => registry);
  const target = { host: "fd00::2", kind: "ipv6" as const, port: 9080, namespace: undefined };
  assert.equal((await resolver.resolve(target))?.length, 1);
});

test("a target is answered with the same objects until the registry changes", async () => {
  let registry = registryWith("10.1.0.1");
  const resolver = createRegistryResolver(() => registry);

  const target = named("details");
  const before = await resolver.resolve(target);
  assert.equal(await resolver.resolve(target), before);
  registry = registryWith("10.1.0.7");
  assert.deepEqual(
    (await resolver.resolve(target))?.map(({ address }) => address),
    ["10.1.0.7"],
  );
});

test("T-30 a name of a pod resolves to that pod alone, one that is not there to nothing, and a pod's own port is as good as the Service's", async () => {
  const service = Service.parse({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "bookinfo" },
    spec: {
      clusterIP: "None",
      ports: [
        { name: "dns", port: 80, protocol: "UDP" },
        { name: "http", port: 80 },
      ],
    },
  });
  const slice = EndpointSlice.parse({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1", namespace: "bookinfo", labels: { "kubernetes.io/service-name": "web" } },
    endpoints: [0, 1].map((index) => ({ addresses: [`10.1.0.${index}`], hostname: `web-${index}` })),
    ports: [
      { name: "dns", port: 9053, protocol: "UDP" },
      { name: "http", port: 9080 },
    ],
  });
  const resolver = createRegistryResolver(() => registry);
  const registry = new Registry({ services: [service], endpointSlices: [slice] });
  const origins = async (host: string, port?: number) => (await resolver.resolve(named(host, port)))?.map(({ origin }) => origin);
  for (const host of ["web-1.web", "web-1.web.bookinfo", "web-1.web.bookinfo.svc.cluster.local"]) {
    assert.deepEqual([await origins(host), await origins(host, 9080)], [["http://10.1.0.1:9080"], ["http://10.1.0.1:9080"]], host);
  }
  assert.deepEqual(await origins("web"), ["http://10.1.0.0:9080", "http://10.1.0.1:9080"]);
  assert.deepEqual([await origins("web-7.web"), await origins("web-1.web", 9053)], [[], []]);
  assert.equal(await origins("web-1.details.bookinfo"), undefined);
});
