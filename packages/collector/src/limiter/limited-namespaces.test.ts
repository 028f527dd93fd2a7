import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AnyObject,
  DESTINATION_RULE,
  ENDPOINT_SLICE,
  type ObjectChange,
  parseManifests,
  type ReadKind,
  SERVICE,
  SERVICE_ENTRY,
  SMART_LIMITER,
} from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import fc from "fast-check";
import { base, limiterText, rule } from "../testing/limiters.ts";
import { LimitedNamespaces } from "./limited-namespaces.ts";

const KINDS = [SERVICE, ENDPOINT_SLICE, DESTINATION_RULE, SERVICE_ENTRY, SMART_LIMITER] as readonly ReadKind<AnyObject>[];

function parsed(text: string): AnyObject {
  const [object] = parseManifests(text, "limiters.yaml", KINDS).objects;
  assert.ok(object !== undefined);
  return object;
}

const keyOf = ({ kind, metadata }: AnyObject) => `${kind}/${metadata.namespace}/${metadata.name}`;

/** A mesh of limiters that takes over changes as a collector does. */
class LimitedMesh {
  readonly registry: Registry;
  readonly limited: LimitedNamespaces;
  readonly #objects = new Map<string, AnyObject>();

  constructor(manifests: readonly string[]) {
    for (const object of manifests.map(parsed)) this.#objects.set(keyOf(object), object);
    this.registry = new Registry({ services: this.#of(SERVICE), endpointSlices: this.#of(ENDPOINT_SLICE) });
    this.limited = this.#anew();
  }

  /** @returns names of the limiters that are looked at */
  change(text: string, isGone = false): readonly string[] {
    const object = parsed(text);
    const change = { before: this.#objects.get(keyOf(object)), after: isGone ? undefined : object };
    if (isGone) this.#objects.delete(keyOf(object));
    else this.#objects.set(keyOf(object), object);
    if (change.before === undefined && change.after === undefined) return [];
    const of = <O>({ name }: ReadKind<O>) => (name === object.kind ? [change] : []) as readonly unknown[] as readonly ObjectChange<O>[];
    this.registry.apply({ services: of(SERVICE), endpointSlices: of(ENDPOINT_SLICE) });
    return this.limited.apply({ of }).map(({ namespace, name }) => `${namespace}/${name}`);
  }

  /** All that is known of each limiter. */
  known(limited = this.limited): ReadonlyMap<string, string> {
    return new Map(
      this.#of(SMART_LIMITER).map(({ metadata: { namespace, name } }) => {
        const { sets, counts } = limited.of(namespace)?.pods(name) ?? {};
        const groups = limited
          .of(namespace)
          ?.groupsOf(name)
          .map((each) => JSON.stringify(each));
        return [`${namespace}/${name}`, JSON.stringify([sets, [...(counts ?? [])], groups?.sort()])];
      }),
    );
  }

  knownAnew(): ReadonlyMap<string, string> {
    return this.known(this.#anew());
  }

  #of<O>({ name }: ReadKind<O>): readonly O[] {
    return [...this.#objects.values()].filter(({ kind }) => kind === name) as readonly unknown[] as readonly O[];
  }

  #anew(): LimitedNamespaces {
    return new LimitedNamespaces({ of: (kind) => this.#of(kind) }, () => this.registry, ["app"]);
  }
}

const meta = (name: string, namespace = "shop") => ({ name, namespace });
const service = (name: string, selector: object, namespace = "shop", ports: readonly object[] = [{ name: "http", port: 80 }]) =>
  JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: meta(name, namespace), spec: { selector, ports } });
const slice = (of: string, addresses: readonly string[], namespace = "shop") =>
  JSON.stringify({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...meta(`${of}-1`, namespace), labels: { "kubernetes.io/service-name": of } },
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  });
const subsets = (name: string, host: string, version: string, namespace = "shop") =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1beta1",
    kind: "DestinationRule",
    metadata: meta(name, namespace),
    spec: { host, subsets: [{ name: "v1", labels: { version } }] },
  });
const entry = (name: string, hosts: readonly string[], labels: object, spec: object = {}) =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { ...meta(name), labels },
    spec: { hosts, ...spec },
  });
/** A limiter of a Service's pods and of its subset `v1`. */
const limiter = (name: string, namespace = "shop", quota = "1", spec: object = {}) => {
  const descriptor = [rule({}, { quota })];
  return limiterText(name, { workloadSelector: {}, sets: { _base: { descriptor }, v1: { descriptor } }, ...spec }, { namespace });
};

/** A mesh of `apps` in each of some namespaces, each with a Service, a subset and a limiter. */
function meshOf(namespaces: number, apps: number): LimitedMesh {
  const manifests: string[] = [];
  for (let place = 0; place < namespaces; place++)
    for (let index = 0; index < apps; index++) {
      const [name, namespace] = [`app-${index}`, place === 0 ? "shop" : `ns-${place}`];
      manifests.push(service(name, { app: name }, namespace), slice(name, ["10.0.0.1"], namespace));
      manifests.push(subsets(name, name, "1", namespace), limiter(name, namespace));
    }
  return new LimitedMesh(manifests);
}

const ASKED = ["services", "servicesIn", "servicesOfPods", "service", "readyEndpoints", "podPortsOf"] as const;

/** Limiters that are looked at, and questions to the registry, for each of these changes. */
function costs(t: test.TestContext, mesh: LimitedMesh) {
  const asked = ASKED.map((name) => t.mock.method(mesh.registry, name).mock);
  return Object.entries({
    "a limiter's rules": limiter("app-1", "shop", "2"),
    "a limiter's status": JSON.stringify({ ...JSON.parse(limiter("app-1", "shop", "2")), status: { quotas: "2/1s" } }),
    "a limiter that comes": limiter("other"),
    "labels of a subset": subsets("app-1", "app-1", "2"),
    "a subset of nobody": subsets("nobody", "nobody", "2"),
    endpoints: slice("app-1", ["10.0.0.1", "10.0.0.2"]),
    "a selector": service("app-1", { app: "app-1", tier: "web" }),
    "a Service of nobody": service("nobody", { app: "nobody" }),
    "a ServiceEntry of nobody": entry("nobody", ["nobody.example"], { app: "nobody" }),
  }).map(([what, text]) => {
    for (const each of asked) each.resetCalls();
    const looked = mesh.change(text);
    return { what, looked, questions: asked.reduce((sum, each) => sum + each.callCount(), 0) };
  });
}

test("issue 14: a change costs a look at the limiters that it is about, however many there are beside", (t) => {
  const few = costs(t, meshOf(2, 3));
  const many = costs(t, meshOf(20, 200));
  assert.deepEqual(many, few);
  const own = ["shop/app-1"];
  assert.deepEqual(
    few.map(({ looked }) => looked),
    [own, [], ["shop/other"], own, [], own, own, [], []],
  );
  assert.ok(few.every(({ questions }) => questions < 20));
});

const APPS = ["a", "b"] as const;
const app = fc.constantFrom(...APPS);
const step = fc.record({
  text: fc.oneof(
    fc.record({ app, other: app, host: fc.boolean(), selector: fc.constantFrom({}, { app: "a" }, { tier: "t" }) }).map((of) =>
      limiter(of.app, "shop", "1", {
        workloadSelector: of.selector,
        ...(of.host && { host: of.other }),
        target: { port: 80 },
        ...(of.other === "b" && base(rule())),
      }),
    ),
    fc
      .record({
        app,
        selector: fc.constantFrom(
          {},
          { app: "a" },
          { app: "b" },
          { app: "a", tier: "t" },
          { tier: "t", app: "a" },
          { app: "a", version: "1" },
        ),
        isHeadless: fc.boolean(),
      })
      .map(({ app: name, selector }) => service(name, selector)),
    fc
      .record({ app, hosts: fc.subarray(["a", "b"]), labels: fc.constantFrom({}, { app: "a" }, { app: "" }), isSelecting: fc.boolean() })
      .map((of) => entry(of.app, of.hosts, of.labels, of.isSelecting ? { workloadSelector: { labels: { app: "b" } } } : {})),
    fc.record({ app, count: fc.nat(2) }).map((of) => slice(of.app, ["10.0.0.1", "10.0.0.2"].slice(0, of.count))),
    fc
      .record({ app, host: fc.constantFrom("a", "b", "a.shop", "b.shop.svc.cluster.local", "a.b"), version: fc.constantFrom("1", "2") })
      .map((of) => subsets(of.app, of.host, of.version)),
  ),
  isGone: fc.nat(4).map((one) => one === 0),
});

test("law: after any sequence of changes limiters are known as those that are made anew, and whoever is not looked at is as before", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 15 }), (steps) => {
      const mesh = new LimitedMesh([]);
      for (const { text, isGone } of steps) {
        const before = mesh.known();
        const looked = mesh.change(text, isGone);
        const after = mesh.known();
        assert.deepEqual(after, mesh.knownAnew());
        for (const [name, known] of after) if (!looked.includes(name)) assert.equal(known, before.get(name), `${name} was not looked at`);
      }
    }),
    { numRuns: 300 },
  );
});
