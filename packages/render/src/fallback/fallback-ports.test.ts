import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, Service, type ServicePort } from "@fenceline/api";
import fc from "fast-check";
import { DeclaredPorts } from "./declared-ports.ts";
import { fallbackPorts, MOST_FALLBACK_PORTS } from "./fallback-ports.ts";

const config = Config.parse({});
/** No two Services of a mesh have one name. */
function declaredBy(services: readonly Service[]): DeclaredPorts {
  return new DeclaredPorts(
    services.map((each, index) => ({ ...each, metadata: { ...each.metadata, name: `${each.metadata.name}-${index}` } })),
    config,
  );
}

const FALLBACK = { namespace: config.namespace, name: config.fallback.service };
const CHART_PORT = { name: "http-80", port: 80, targetPort: 18_080, protocol: "TCP" } as const;

type Port = Partial<ServicePort> & { readonly port: number };

function service(ports: readonly Port[], metadata = { namespace: "shop", name: "web" }, spec: object = {}): Service {
  return Service.parse({ apiVersion: "v1", kind: "Service", metadata, spec: { ...spec, ports } });
}

const live = (...ports: Port[]) => service(ports.length === 0 ? [CHART_PORT] : ports, FALLBACK);
const given = (...services: Service[]) => fallbackPorts({ declared: declaredBy(services), live: live(), config });
const numbers = ({ ports }: { readonly ports: readonly ServicePort[] }) => ports.map(({ port }) => port);

test("a port that some service declares as HTTP is added with the target of the chart's port, and that one stays as it is", () => {
  assert.deepEqual(given(service([{ name: "http-web", port: 8_080, targetPort: 3_000 }])).ports, [
    CHART_PORT,
    { name: "http-8080", port: 8_080, protocol: "TCP", targetPort: 18_080 },
  ]);
});

const CASES: readonly (readonly [what: string, service: Service, expected: readonly number[]])[] = [
  ["gRPC by name", service([{ name: "grpc", port: 7_000 }]), [80, 7_000]],
  ["HTTP by appProtocol", service([{ name: "x", port: 7_000, appProtocol: "kubernetes.io/h2c" }]), [80, 7_000]],
  ["a headless Service", service([{ name: "http", port: 7_000 }], undefined, { clusterIP: "None" }), [80, 7_000]],
  ["HTTPS", service([{ name: "https", port: 443 }]), [80]],
  ["TCP", service([{ name: "tcp", port: 7_000 }]), [80]],
  ["an unnamed protocol", service([{ name: "web", port: 7_000 }]), [80]],
  ["HTTP over UDP", service([{ name: "http", port: 7_000, protocol: "UDP" }]), [80]],
  ["an ExternalName", service([{ name: "http", port: 7_000 }], undefined, { type: "ExternalName", externalName: "example.com" }), [80]],
  ["a Service of Istio", service([{ name: "grpc-xds", port: 15_010 }], { namespace: config.istioNamespace, name: "istiod" }), [80]],
  ["the fallback itself", service([{ name: "http", port: 7_000 }], FALLBACK), [80]],
  ["the collector", service([{ name: "http-api", port: 18_082 }], { ...FALLBACK, name: config.collector.service }), [80]],
];

for (const [what, declaring, expected] of CASES) {
  test(`${what} ${expected.length > 1 ? "counts" : "does not count"}`, () => assert.deepEqual(numbers(given(declaring)), expected));
}

test("a number that one service declares as HTTP and another as TCP counts", () => {
  const services = [service([{ name: "tcp", port: 7_000 }]), service([{ name: "http", port: 7_000 }])];
  assert.deepEqual(numbers(given(...services)), [80, 7_000]);
});

test("a port of that number that stands stays, whatever it is called and wherever it leads", () => {
  const standing = live(CHART_PORT, { name: "mine", port: 7_000, targetPort: "other", protocol: "TCP" });
  const { ports } = fallbackPorts({
    declared: declaredBy([service([{ name: "http", port: 7_000 }])]),
    live: standing,
    config,
  });
  assert.deepEqual(ports, standing.spec.ports);
});

test("a name that is taken by another port gets an ending", () => {
  const standing = live({ name: "http-7000", port: 80, protocol: "TCP" }, { name: "http-7000-2", port: 7_000, protocol: "UDP" });
  const { ports } = fallbackPorts({
    declared: declaredBy([service([{ name: "http", port: 7_000 }])]),
    live: standing,
    config,
  });
  assert.deepEqual(ports[1], { name: "http-7000-3", port: 7_000, protocol: "TCP", targetPort: 80 });
});

test("without a TCP port to take the target from, nothing is added, and what is missing is said", () => {
  const standing = service([], FALLBACK);
  const result = fallbackPorts({ declared: declaredBy([service([{ name: "http", port: 7_000 }])]), live: standing, config });
  assert.deepEqual(result, { ports: [], omitted: [7_000] });
});

test("beyond the cap, the numbers that most services declare come first, and the others are said", () => {
  const rare = Array.from({ length: MOST_FALLBACK_PORTS }, (_, index) => service([{ name: "http", port: 20_000 + index }]));
  const frequent = [service([{ name: "http", port: 60_000 }]), service([{ name: "http", port: 60_000 }])];
  const { ports, omitted } = given(...rare, ...frequent);
  assert.equal(ports.length, MOST_FALLBACK_PORTS);
  assert.equal(ports.at(-1)?.port, 60_000);
  assert.deepEqual(omitted, [20_000 + MOST_FALLBACK_PORTS - 2, 20_000 + MOST_FALLBACK_PORTS - 1]);
});

/** Few numbers, so that they meet; some meshes need more than the cap. */
const portNumber = fc.oneof(fc.integer({ min: 79, max: 90 }), fc.integer({ min: 1, max: 65_535 }));
const anyPort = fc.record({
  port: portNumber,
  name: fc.constantFrom("http", "http-web", "tcp", "grpc", "web"),
  protocol: fc.constantFrom("TCP" as const, "UDP" as const),
});
const anyMetadata = fc.record({ namespace: fc.constantFrom("shop", FALLBACK.namespace), name: fc.constantFrom("web", FALLBACK.name) });
const anyService = fc.tuple(fc.array(anyPort, { maxLength: 40 }), anyMetadata).map(([ports, metadata]) => service(ports, metadata));
const anyMesh = fc.array(anyService, { maxLength: 25 });
const anyLive = fc
  .uniqueArray(fc.tuple(portNumber, fc.constantFrom("TCP" as const, "UDP" as const), portNumber), {
    maxLength: MOST_FALLBACK_PORTS + 5,
    selector: ([port, protocol]) => `${port}/${protocol}`,
  })
  .map((ports) => live(...ports.map(([port, protocol, other], index) => ({ name: `http-${other}-${index}`, port, protocol }))));

test("law: every port that stands is kept as it is, and names and numbers are unique", () => {
  fc.assert(
    fc.property(anyMesh, anyLive, (services, standing) => {
      const { ports } = fallbackPorts({ declared: declaredBy(services), live: standing, config });
      for (const port of standing.spec.ports) assert.ok(ports.includes(port));
      assert.equal(new Set(ports.map(({ name }) => name)).size, ports.length);
      assert.equal(new Set(ports.map(({ port, protocol }) => `${port}/${protocol}`)).size, ports.length);
      assert.ok(ports.length <= Math.max(MOST_FALLBACK_PORTS, standing.spec.ports.length));
    }),
  );
});

test("law: once done there is nothing to do", () => {
  fc.assert(
    fc.property(anyMesh, anyLive, (services, standing) => {
      const once = fallbackPorts({ declared: declaredBy(services), live: standing, config });
      const after = { ...standing, spec: { ...standing.spec, ports: [...once.ports] } };
      assert.deepEqual(fallbackPorts({ declared: declaredBy(services), live: after, config }), once);
    }),
  );
});

test("law: the order of services, and of their ports, does not matter", () => {
  const meshAndShuffle = anyMesh.chain((mesh) =>
    fc.tuple(fc.constant(mesh), fc.shuffledSubarray(mesh, { minLength: mesh.length, maxLength: mesh.length })),
  );
  fc.assert(
    fc.property(meshAndShuffle, anyLive, ([services, shuffled], standing) => {
      const reversed = shuffled.map((one) => ({ ...one, spec: { ...one.spec, ports: one.spec.ports.toReversed() } }));
      const result = fallbackPorts({ declared: declaredBy(services), live: standing, config });
      assert.deepEqual(fallbackPorts({ declared: declaredBy(reversed), live: standing, config }), result);
    }),
  );
});
