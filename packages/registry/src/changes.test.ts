import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointSlice, Service } from "@fenceline/api";
import { allNew } from "@fenceline/api/vocabulary";
import fc from "fast-check";
import { MeshAddressBook } from "./mesh-addresses.ts";
import { Registry } from "./registry.ts";
import { differences } from "./testing/differences.ts";

const NAMESPACES = ["aaa", "shop"] as const;
const NAMES = ["a", "web"] as const;
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.1.0.1", "10.1.0.2", "10.1.0.3", "::ffff:a00:1"] as const;
const PORTS = [80, 3_306] as const;
const PORT_NAMES = ["http", "tcp"] as const;

const key = { namespace: fc.constantFrom(...NAMESPACES), name: fc.constantFrom(...NAMES) };
const port = fc.record({ name: fc.constantFrom(...PORT_NAMES), port: fc.constantFrom(...PORTS) });

const service = fc
  .record({
    ...key,
    clusterIP: fc.constantFrom("None", "", "10.0.0.1", "10.0.0.2"),
    ports: fc.array(port, { maxLength: 3 }),
    type: fc.constantFrom("ClusterIP", "ExternalName"),
    selector: fc.constantFrom({}, { app: "web" }, { app: "a" }, { tier: "x", app: "web" }, { tier: "y" }),
  })
  .map(({ namespace, name, ...spec }) => Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace, name }, spec }));

const slice = fc
  .record({
    ...key,
    of: fc.option(fc.constantFrom(...NAMES)),
    addresses: fc.array(fc.constantFrom(...ADDRESSES), { maxLength: 4 }),
    ports: fc.array(port, { maxLength: 3 }),
    ready: fc.boolean(),
  })
  .map(({ namespace, name, of, addresses, ports, ready }) =>
    EndpointSlice.parse({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { namespace, name, labels: of === null ? {} : { "kubernetes.io/service-name": of } },
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready } })),
      ports,
    }),
  );

/** One object comes or becomes another one, or goes. */
const step = fc.record({ object: fc.oneof(service, slice), isGone: fc.nat(4).map((one) => one === 0), isTold: fc.boolean() });

interface View {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
}

/** Everything that a registry and a book answer. */
function answers(registry: Registry, book: MeshAddressBook) {
  const hints = [{}, { namespace: "shop" }, { host: "web.shop.svc.cluster.local", namespace: "aaa" }];
  return {
    services: registry.services(),
    byNamespace: NAMESPACES.map((namespace) => registry.servicesIn(namespace)),
    ofPods: NAMESPACES.map((namespace) => registry.servicesOfPods(namespace, { app: "web", tier: "x" })),
    slices: registry.services().map((each) => registry.slicesOf(each)),
    endpoints: registry.services().flatMap((each) => PORTS.map((number) => registry.endpointsOf(each, number))),
    counts: NAMESPACES.flatMap((namespace) => NAMES.map((name) => registry.readyEndpoints(namespace, name))),
    tcp: registry.tcpServices(),
    addresses: ADDRESSES.flatMap((address) =>
      PORTS.flatMap((number) => [registry.isContested(address, number), ...hints.map((hint) => registry.byAddress(address, number, hint))]),
    ),
    book: [...book.addresses()].sort((a, b) => (a.address < b.address ? -1 : 1)),
  };
}

test("law: after any sequence of changes a registry and its address book answer as those that are made anew", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30, size: "max" }), (steps) => {
      const registry = new Registry({ services: [], endpointSlices: [] });
      const book = new MeshAddressBook("shop", () => registry);
      // Asked at once, so that nothing is made lazily from what is there at the end.
      answers(registry, book);
      let told: View = { services: [], endpointSlices: [] };
      const objects = new Map<string, Service | EndpointSlice>();
      const view = (): View => ({
        services: [...objects.values()].filter((object) => object.kind === "Service"),
        endpointSlices: [...objects.values()].filter((object) => object.kind === "EndpointSlice"),
      });
      const tell = () => {
        const now = view();
        const changes = {
          services: differences(told.services, now.services),
          endpointSlices: differences(told.endpointSlices, now.endpointSlices),
        };
        told = now;
        registry.apply(changes);
        book.apply(changes);
        const version = registry.version;
        registry.apply(changes);
        book.apply(changes);
        assert.equal(registry.version, version, "a change that is there already");
      };
      for (const { object, isGone, isTold } of steps) {
        const name = `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
        if (isGone) objects.delete(name);
        else objects.set(name, object);
        if (isTold) tell();
      }
      tell();
      const fresh = new Registry(view());
      const freshBook = new MeshAddressBook("shop", () => fresh);
      freshBook.apply({ services: allNew(view().services), endpointSlices: allNew(view().endpointSlices) });
      assert.deepEqual(answers(registry, book), answers(fresh, freshBook));
    }),
    { numRuns: 300 },
  );
});

test("the TCP Services are the same lists until a change of Services is about them", () => {
  const of = (name: string, ...ports: readonly { readonly name: string; readonly port: number }[]) =>
    Service.parse({ apiVersion: "v1", kind: "Service", metadata: { namespace: "shop", name }, spec: { ports } });
  const registry = new Registry({
    services: [of("db", { name: "tcp", port: 80 }), of("web", { name: "http", port: 80 })],
    endpointSlices: [],
  });
  const before = registry.tcpServices();
  assert.deepEqual([before.visible.length, before.learn.length], [1, 1]);
  registry.apply({ services: allNew([of("more", { name: "http", port: 80 }, { name: "http-81", port: 81 })]) });
  assert.equal(registry.tcpServices().visible.length, 1);
  const quiet = registry.tcpServices();
  registry.apply({ services: allNew([of("again", { name: "http", port: 81 })]) });
  assert.equal(registry.tcpServices(), quiet);
});
