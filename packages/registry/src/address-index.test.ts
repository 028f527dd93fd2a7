import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointSlice, Service } from "@fenceline/api";
import fc from "fast-check";
import { Registry } from "./registry.ts";

interface Given {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIP?: string;
  /** Service port to the port of the pods. */
  readonly ports?: Readonly<Record<number, number>>;
  readonly addresses?: readonly string[];
}

const POD = "10.1.0.5";
const VICTIM: Given = { namespace: "shop", name: "web", clusterIP: "10.0.0.1", ports: { 80: 8_080 }, addresses: [POD] };
const HEADLESS: Given = { ...VICTIM, name: "web-headless", clusterIP: "None" };
/** Early in the alphabet, and with an EndpointSlice of its own making. */
const THIEF: Given = { namespace: "aaa", name: "aaa", clusterIP: "None", ports: { 1: 8_080, 2: 80 }, addresses: [POD, "10.0.0.1"] };

function registryOf(...given: readonly Given[]): Registry {
  const portsOf = ({ ports = { 80: 8_080 } }: Given) =>
    Object.entries(ports).map(([port, target]) => ({ name: `http-${port}`, port: Number(port), target }));
  const services = given.map((each) => {
    const { namespace, name, clusterIP } = each;
    const ports = portsOf(each).map(({ name, port }) => ({ name, port }));
    return Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace, name }, spec: { clusterIP, ports } });
  });
  const endpointSlices = given.map((each) => {
    const { namespace, name, addresses = [] } = each;
    const metadata = { namespace, name: `${name}-1`, labels: { "kubernetes.io/service-name": name } };
    const ports = portsOf(each).map(({ name, target }) => ({ name, port: target }));
    const endpoints = addresses.map((address) => ({ addresses: [address] }));
    return EndpointSlice.parse({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata, endpoints, ports });
  });
  return new Registry({ services, endpointSlices });
}

const hostOf = ({ namespace, name }: Given) => `${name}.${namespace}.svc.cluster.local`;

test("T-08 an address that several namespaces have is the Service's that the caller named, else of the caller's namespace, else nobody's", () => {
  const registry = registryOf(VICTIM, THIEF);
  assert.equal(registry.byAddress(POD, 8_080, { host: hostOf(VICTIM), namespace: "other" })?.host, hostOf(VICTIM));
  assert.equal(registry.byAddress(POD, 8_080, { host: hostOf(THIEF), namespace: "shop" })?.host, hostOf(THIEF));
  assert.equal(registry.byAddress(POD, 8_080, { host: "x.y.svc.cluster.local", namespace: "shop" })?.host, hostOf(VICTIM));
  assert.equal(registry.byAddress(POD, 8_080, { namespace: "other" }), undefined);
  assert.equal(registry.byAddress(POD, 8_080), undefined);
});

test("T-08 a ClusterIP is nobody else's, on whatever port an EndpointSlice claims it", () => {
  const registry = registryOf(VICTIM, THIEF);
  assert.deepEqual(registry.byAddress("10.0.0.1", 80), { host: hostOf(VICTIM), port: 80 });
  assert.equal(registry.byAddress("10.0.0.1", 8_080), undefined);
});

test("T-08 Services of one namespace may share their pods: the one that was named counts, else the first by name", () => {
  const registry = registryOf(VICTIM, HEADLESS);
  assert.equal(registry.byAddress(POD, 8_080)?.host, hostOf(VICTIM));
  assert.equal(registry.byAddress(POD, 8_080, { host: hostOf(HEADLESS) })?.host, hostOf(HEADLESS));
  assert.equal(registry.isContested(POD, 8_080), false);
});

test("T-08 a slice belongs to the Service of its own namespace only, whatever its label says", () => {
  const service = registryOf({ ...VICTIM, addresses: [] }).services()[0] as Service;
  const labels = { "kubernetes.io/service-name": "web" };
  const metadata = { namespace: "aaa", name: "web-1", labels };
  const slice = EndpointSlice.parse({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata,
    endpoints: [{ addresses: ["10.66.6.6"] }],
    ports: [{ name: "http-80", port: 8_080 }],
  });
  const registry = new Registry({ services: [service], endpointSlices: [slice] });
  assert.deepEqual([registry.endpointsOf(service, 80), registry.byAddress("10.66.6.6", 8_080)], [[], undefined]);
});

test("T-08 an EndpointSlice of many addresses and ports takes room for each, and not for each pair of the two", () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
  const metadata = { namespace: "aaa", name: "aaa" };
  const ports = numbers(100).map((index) => ({ name: `http-${index}`, port: index + 1 }));
  const service = Service.parse({ apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: "None", ports } });
  // As much as etcd takes in one object: 1,000 endpoints of 60 addresses, a megabyte.
  const endpoints = numbers(1_000).map((high) => ({ addresses: numbers(60).map((low) => `11.${high >> 8}.${high & 255}.${low}`) }));
  const labels = { "kubernetes.io/service-name": "aaa" };
  const slice = EndpointSlice.parse({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, labels },
    endpoints,
    ports: ports.map(({ name, port }) => ({ name, port: port + 1_000 })),
  });
  const registry = new Registry({ services: [service], endpointSlices: [slice] });
  const before = process.memoryUsage().heapUsed;
  assert.deepEqual(registry.byAddress("11.3.231.59", 1_100), { host: "aaa.aaa.svc.cluster.local", port: 100 });
  // 8 MB; the six million pairs took 800.
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 100_000_000, `${grown} bytes`);
});

test("T-08 however many Services of a namespace claim an address, a look-up goes through few of them, and finds the owner's", () => {
  const many = Array.from({ length: 2_000 }, (_, index) => ({ ...THIEF, name: `s${index}` }));
  const registry = registryOf(VICTIM, ...many);
  assert.equal(registry.byAddress(POD, 8_080, { host: hostOf(VICTIM) })?.host, hostOf(VICTIM));
  assert.equal(registry.byAddress(POD, 8_080, { namespace: "shop" })?.host, hostOf(VICTIM));
  assert.equal(registry.byAddress(POD, 8_080, { namespace: "aaa" })?.host, "s0.aaa.svc.cluster.local");
  assert.equal(registry.byAddress(POD, 8_080, { namespace: "other" }), undefined);
});

test("T-08 an IPv6 address is one address in whatever spelling a Service, a slice or a call has it", () => {
  const spellings = ["fd00::1:0:5", "fd00:0::1:0:5", "FD00:0:0:0:0:1:0:5", "fd00::1:0000:0005"];
  for (const spelling of spellings) {
    const owner = { ...VICTIM, addresses: [spelling] };
    const registry = registryOf(owner, { ...THIEF, addresses: [spellings[0] ?? ""] });
    for (const called of spellings) {
      assert.equal(registry.isContested(called, 8_080), true, `${called} for ${spelling}`);
      assert.equal(registry.byAddress(called, 8_080), undefined);
      assert.equal(registry.byAddress(called, 8_080, { namespace: "shop" })?.host, hostOf(VICTIM));
    }
    const byClusterIP = registryOf({ ...VICTIM, clusterIP: spelling, addresses: [] }, { ...THIEF, addresses: [spellings[1] ?? ""] });
    for (const called of spellings) assert.equal(byClusterIP.byAddress(called, 80)?.host, hostOf(VICTIM), `${called} for ${spelling}`);
  }
});

test("law: whatever Services and EndpointSlices a tenant adds, no address of another tenant becomes theirs, unless a caller names them or is theirs", () => {
  const addresses = fc.constantFrom(POD, "10.1.0.6", "10.0.0.1", "10.0.0.2", "10.9.9.9");
  const ports = fc.dictionary(fc.constantFrom("80", "81"), fc.constantFrom(80, 8_080, 9_090), { minKeys: 1 });
  const owned = (namespace: string, clusterIP: string) =>
    fc.array(
      fc.record({
        namespace: fc.constant(namespace),
        name: fc.constantFrom("a", "b", "z"),
        clusterIP: fc.constantFrom("None", clusterIP),
        ports,
        addresses: fc.array(addresses, { maxLength: 3 }),
      }),
      { maxLength: 3 },
    );
  const call = fc.record({
    address: addresses,
    port: fc.constantFrom(80, 8_080, 9_090),
    hint: fc.record({ host: fc.constantFrom(undefined, "a.mmm.svc.cluster.local"), namespace: fc.constantFrom(undefined, "mmm", "other") }),
  });
  fc.assert(
    fc.property(
      owned("mmm", "10.0.0.1"),
      fc.constantFrom("aaa", "zzz"),
      owned("tenant", "10.0.0.2"),
      call,
      (theirs, namespace, added, { address, port, hint }) => {
        const before = registryOf(...theirs).byAddress(address, port, hint);
        const after = registryOf(...theirs, ...added.map((each) => ({ ...each, namespace }))).byAddress(address, port, hint);
        if (before !== undefined && address !== "10.0.0.2") assert.ok(after === undefined || after.host === before.host);
      },
    ),
  );
});
