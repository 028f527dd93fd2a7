import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDPOINT_SLICE, EndpointSlice, type MeshKind, SERVICE, Service } from "@fenceline/api";
import { readLiveObject } from "./apply/live-object.ts";
import { KeptObjects } from "./kept-object.ts";

/** As each answer of the API server is parsed: every text is a copy of its own. */
function service(name: string) {
  const text = JSON.stringify({
    ...{ apiVersion: "v1", kind: "Service" },
    metadata: {
      ...{ name, namespace: "a-namespace-of-a-team", uid: "11111111-1111-4111-8111-111111111111" },
      annotations: { large: "x".repeat(900) },
      labels: { app: "an-application-of-many" },
    },
    spec: {
      ...{ clusterIP: "10.96.100.1", clusterIPs: ["10.96.100.1"], selector: { app: name }, sessionAffinity: "None" },
      ports: [{ name: "http-application", port: 80, targetPort: "http-application" }],
    },
    status: { loadBalancer: {} },
  });
  return Service.parse(JSON.parse(text));
}

function slice(name: string, of: string) {
  const labels = { "kubernetes.io/service-name": of, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" };
  const endpoint = (address: string) => ({
    addresses: [address],
    conditions: { ready: true },
    nodeName: "node-1",
    targetRef: { name: "pod" },
  });
  return EndpointSlice.parse({
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name, namespace: "a-namespace-of-a-team", labels } },
    endpoints: [endpoint("10.1.0.1"), endpoint("10.1.0.2")],
    ports: [{ name: "http-application", port: 8_080, protocol: "TCP" }],
  });
}

/** An object as its kind keeps it. */
function read<O>({ keep }: MeshKind<O>, object: O, kept: KeptObjects): O {
  return keep?.(object, kept) ?? assert.fail();
}

test("a Service is kept as it is but for its uid, and two share what they have in common", () => {
  const kept = new KeptObjects();
  const [one, other] = [read(SERVICE, service("one"), kept), read(SERVICE, service("other"), kept)];
  // Of annotations only one is read, and this Service has none.
  const { uid: _, annotations: __, ...metadata } = service("one").metadata;
  assert.deepEqual(one, { ...service("one"), metadata });
  assert.equal(one.spec.ports, other.spec.ports);
});

test("a slice keeps what is read of it: its Service, addresses, readiness and ports", () => {
  const kept = new KeptObjects();
  const [one, other] = [read(ENDPOINT_SLICE, slice("one-1", "one"), kept), read(ENDPOINT_SLICE, slice("other-1", "other"), kept)];
  assert.deepEqual(one, {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
    metadata: { name: "one-1", namespace: "a-namespace-of-a-team", labels: { "kubernetes.io/service-name": "one" } },
    endpoints: [
      { addresses: ["10.1.0.1"], conditions: { ready: true } },
      { addresses: ["10.1.0.2"], conditions: { ready: true } },
    ],
    ports: [{ name: "http-application", port: 8_080, protocol: "TCP" }],
  });
  assert.equal(one.ports, other.ports);
  assert.equal(one.endpoints?.[0]?.conditions, other.endpoints?.[1]?.conditions);
});

test("an object without what most have is kept without it", () => {
  const kept = new KeptObjects();
  const bare = EndpointSlice.parse({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: "x" }, endpoints: null });
  assert.deepEqual(read(ENDPOINT_SLICE, bare, kept), bare);
  const odd = { egress: [null, { hosts: "x" }, { hosts: [7, "test1/b"], port: {} }] };
  const metadata = {
    name: "a",
    namespace: "test1",
    uid: "u",
    resourceVersion: "1",
    labels: { "app.kubernetes.io/managed-by": "fenceline" },
  };
  const live = readLiveObject("Sidecar", { apiVersion: "v1", kind: "Sidecar", metadata, spec: odd });
  assert.deepEqual(kept.live(live), live);
});

test("what is known does not grow without a bound", () => {
  const kept = new KeptObjects();
  const ports = read(SERVICE, service("first"), kept).spec.ports;
  const { metadata, ...rest } = slice("s", "x");
  for (let index = 0; index < 100_001; index += 1) {
    const labels = { "kubernetes.io/service-name": `service-${index}` };
    read(ENDPOINT_SLICE, { ...rest, metadata: { ...metadata, labels } }, kept);
  }
  assert.notEqual(read(SERVICE, service("first"), kept).spec.ports, ports);
});

test("statuses share their short lists, and keep the others", () => {
  const kept = new KeptObjects();
  const long = Array.from({ length: 20 }, (_, at) => at + 1);
  const status = () => ({
    domains: { b: { hosts: ["b"], ports: [80, 90], long, odd: [{ a: 1 }] } },
    conditions: [{ type: "Ready" }],
    n: null,
  });
  const [one, other] = [kept.withLists(structuredClone(status())), kept.withLists(structuredClone(status()))] as ReturnType<
    typeof status
  >[];
  assert.deepEqual(one, status());
  assert.equal(one?.domains.b.hosts, other?.domains.b.hosts);
  assert.equal(one?.domains.b.ports, other?.domains.b.ports);
  assert.notEqual(one?.domains.b.long, other?.domains.b.long);
  const odd = JSON.parse('{"domains": {"__proto__": {"hosts": ["b"]}, "b": [[["b"]]]}}');
  assert.deepEqual(kept.withLists(structuredClone(odd)), odd);
});
