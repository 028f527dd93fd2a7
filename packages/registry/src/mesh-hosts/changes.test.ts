/** After any sequence of changes the answers are those of an index that is made anew. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DestinationRule, ServiceEntry, VirtualService } from "@fenceline/api";
import { allNew } from "@fenceline/api/vocabulary";
import fc from "fast-check";
import { MeshHosts } from "./mesh-hosts.ts";
import { isVisibleTo } from "./visibility.ts";

const NAMESPACES = ["aaa", "shop"] as const;
const HOSTS = ["b", "b.aaa.svc.cluster.local", "api.example", "*.example", "*.aaa.svc.cluster.local", "*-x.example", "*"] as const;
const ASKED = [...HOSTS.slice(1), "c.aaa.svc.cluster.local", "b.shop.svc.cluster.local", "y-x.example", "*.api.example", "other.test"];
const EXPORTS = [[], ["*"], ["."], ["~"], ["shop"], [".", "shop"], ["~", "*"]] as const;

const key = { namespace: fc.constantFrom(...NAMESPACES), name: fc.constantFrom("one", "two") };
const exportTo = fc.constantFrom(...EXPORTS);

const entry = fc
  .record({
    ...{ ...key, exportTo, hosts: fc.array(fc.constantFrom(...HOSTS.slice(1)), { maxLength: 2 }) },
    addresses: fc.constantFrom([], ["240.0.0.1"]),
    ports: fc.constantFrom([], [{ number: 80, name: "http", protocol: "HTTP" }], [{ number: 443, name: "tls", protocol: "TLS" }]),
  })
  .map(({ namespace, name, ...spec }) =>
    ServiceEntry.parse({ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { namespace, name }, spec }),
  );

const route = fc.record({
  route: fc.array(fc.record({ destination: fc.record({ host: fc.constantFrom(...HOSTS.slice(0, 3)) }) }), { maxLength: 2 }),
  delegate: fc.option(fc.record({ name: key.name, namespace: fc.constantFrom("", ...NAMESPACES) })),
});
const virtualService = fc
  .record({
    ...key,
    exportTo,
    hosts: fc.array(fc.constantFrom(...HOSTS), { maxLength: 2 }),
    gateways: fc.constantFrom([], ["mesh"], ["aaa/ingress"], ["aaa/ingress", "mesh"]),
    http: fc.array(route, { maxLength: 2 }),
  })
  .map(({ namespace, name, ...spec }) =>
    VirtualService.parse({ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { namespace, name }, spec }),
  );

const rule = fc
  .record({ ...key, host: fc.constantFrom(...HOSTS), mode: fc.constantFrom("SIMPLE", "ISTIO_MUTUAL") })
  .map(({ namespace, name, host, mode }) =>
    DestinationRule.parse({
      ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: { namespace, name } },
      spec: { host, subsets: [{ name: "v1", trafficPolicy: { tls: { mode } } }] },
    }),
  );

const defaults = fc.record({ serviceEntries: exportTo, virtualServices: exportTo });
const step = fc.record({
  object: fc.oneof(entry, virtualService, rule),
  isGone: fc.nat(4).map((one) => one === 0),
  defaults: fc.option(defaults),
});

const nameOf = ({ kind, metadata }: MeshObject) => `${kind} ${metadata.namespace}/${metadata.name}`;

type MeshObject = ServiceEntry | VirtualService | DestinationRule;
type Objects = ReadonlyMap<string, MeshObject>;

function madeAnew(objects: Objects, given: Parameters<MeshHosts["configure"]>[0] | undefined): MeshHosts {
  const all = [...objects.values()];
  return new MeshHosts({
    serviceEntries: all.filter((object) => object.kind === "ServiceEntry"),
    virtualServices: all.filter((object) => object.kind === "VirtualService"),
    destinationRules: all.filter((object) => object.kind === "DestinationRule"),
    ...(given && { defaults: given }),
  });
}

function answers(hosts: MeshHosts) {
  return NAMESPACES.map((namespace) => ({
    entries: hosts.entriesVisibleTo(namespace),
    routes: hosts.routesVisibleTo(namespace),
    asked: ASKED.map((host) => [host, hosts.entriesFor(host, namespace), hosts.routesFor(host, namespace), hosts.isRouted(host)]),
    named: ASKED.map((host) => [host, hosts.entryNamed(host, 80, namespace), hosts.hasEntry(host)]),
  }));
}

/** One object, as it was and as it is. */
function changesOf(before: MeshObject | undefined, after: MeshObject | undefined) {
  const change = <Name extends MeshObject["kind"]>(kind: Name) =>
    [before, after].some((side) => side?.kind === kind)
      ? [
          { before, after } as {
            before: Extract<MeshObject, { kind: Name }> | undefined;
            after: Extract<MeshObject, { kind: Name }> | undefined;
          },
        ]
      : [];
  return { serviceEntries: change("ServiceEntry"), virtualServices: change("VirtualService"), destinationRules: change("DestinationRule") };
}

test("issue 16: mesh hosts that are kept up answer as those that are made anew", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const kept = new MeshHosts();
      const objects = new Map<string, MeshObject>();
      let given: Parameters<MeshHosts["configure"]>[0] | undefined;
      for (const { object, isGone, defaults: configured } of steps) {
        const name = nameOf(object);
        const [before, after] = [objects.get(name), isGone ? undefined : object];
        kept.apply(changesOf(before, after));
        if (configured !== null) {
          given = configured;
          kept.configure(configured);
        }
        if (after === undefined) objects.delete(name);
        else objects.set(name, after);
      }
      assert.deepEqual(answers(kept), answers(madeAnew(objects, given)));
    }),
    { numRuns: 300 },
  );
});

test("issue 16: whoever gets another answer by a change is one of those that the change touches", () => {
  const given = fc.array(fc.oneof(entry, virtualService), { maxLength: 8 });
  fc.assert(
    fc.property(given, fc.oneof(entry, virtualService), fc.boolean(), (all, object, isGone) => {
      const objects = new Map<string, MeshObject>(all.map((each) => [nameOf(each), each]));
      if (isGone) objects.set(nameOf(object), object);
      const hosts = madeAnew(objects, undefined);
      const answer = (namespace: string, host: string) => [hosts.entriesFor(host, namespace), hosts.routesFor(host, namespace)];
      const asked = NAMESPACES.flatMap((namespace) => ASKED.map((host) => ({ namespace, host, before: answer(namespace, host) })));
      const change = changesOf(objects.get(nameOf(object)), isGone ? undefined : object);
      hosts.apply(change);
      const touched = [...hosts.touchedEntries(change.serviceEntries), ...hosts.touchedRoutes(change)];
      for (const { namespace, host, before } of asked) {
        const isTouched = touched.some((each) => isVisibleTo(each.visibility, namespace) && each.hosts.some((one) => meets(one, host)));
        if (!isTouched) assert.deepEqual(answer(namespace, host), before, `${namespace} asked for ${host}`);
      }
    }),
    { numRuns: 500 },
  );
});

/** As a person would compare two hosts of which either may have a `*`. */
function meets(one: string, other: string): boolean {
  const [a, b] = [one.replace("*", ""), other.replace("*", "")];
  if (one.startsWith("*") && other.startsWith("*")) return a.endsWith(b) || b.endsWith(a);
  if (one.startsWith("*")) return b.endsWith(a);
  return other.startsWith("*") ? a.endsWith(b) : a === b;
}

test("an object that was told twice is there once, and goes at once", () => {
  const object = VirtualService.parse({
    ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "b", namespace: "aaa" } },
    spec: { hosts: ["b"], http: [{ route: [{ destination: { host: "c" } }] }] },
  });
  const hosts = new MeshHosts({ virtualServices: [object] });
  hosts.apply({ virtualServices: allNew([object]) });
  const expected = [{ namespace: "aaa", destinations: ["c.aaa.svc.cluster.local"] }];
  assert.deepEqual(hosts.routesFor("b.aaa.svc.cluster.local", "shop"), expected);
  hosts.apply({ virtualServices: [{ before: object, after: undefined }] });
  assert.deepEqual(hosts.routesFor("b.aaa.svc.cluster.local", "shop"), []);
});
