import assert from "node:assert/strict";
import { test } from "node:test";
import { automaticFence, Config, formatFenceKey, hasLabels, Namespace, Service, ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { workloadLabels } from "@fenceline/render/fence";
import fc from "fast-check";
import { type SnapshotWithLists, snapshotOf } from "../testing/mesh.ts";
import { fenceChanges } from "./fence-changes.ts";
import { wantedFences } from "./wanted-fences.ts";

const API = "microservice.slime.io/v1alpha1";
const MADE = `labels: {app.kubernetes.io/created-by: fence-controller, app.kubernetes.io/managed-by: fenceline}`;

function namespace(name: string, label?: string, more = ""): string {
  return `{apiVersion: v1, kind: Namespace, metadata: {name: ${name}, labels: ${labels(label)}, ${more}}}`;
}

function annotated(kind: "Namespace" | "Service", metadata: string, value: string): string {
  const spec = kind === "Service" ? ", spec: {selector: {tier: any}}" : "";
  return `{apiVersion: v1, kind: ${kind}, metadata: ${metadata.replace("}", `, annotations: {lazy-xds: "${value}", other: x}}`)}${spec}}`;
}

function service(place: string, { fenced, selector = `{app: ${place.split("/")[1]}}`, type = "ClusterIP" }: ServiceFields = {}): string {
  const [namespace, name] = place.split("/");
  return `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ${namespace}, labels: ${labels(fenced)}}, spec: {type: ${type}, selector: ${selector}}}`;
}

interface ServiceFields {
  readonly fenced?: string | undefined;
  readonly selector?: string;
  readonly type?: string;
}

function labels(fenced: string | undefined): string {
  return fenced === undefined ? "{}" : `{slime.io/serviceFenced: "${fenced}"}`;
}

function fence(place: string, metadata = "", spec = "{enable: true}"): string {
  const [namespace, name] = place.split("/");
  return `{apiVersion: ${API}, kind: ServiceFence, metadata: {name: ${name}, namespace: ${namespace}, uid: ${name}-1, ${metadata}}, spec: ${spec}}`;
}

function configOf(create: string): Config {
  return Config.parse({ automaticFences: { create } });
}

function judge(snapshot: SnapshotWithLists, config: Config) {
  const registry = new Registry({ ...snapshot, clusterDomain: config.clusterDomain });
  return wantedFences({ snapshot, config, workloadOf: (fence) => workloadLabels(fence, registry, config) });
}

function planned(snapshot: SnapshotWithLists, create = "Labelled", isKnown = () => true): string[] {
  const wanted = judge(snapshot, configOf(create));
  return fenceChanges({ wanted, present: snapshot.fences, isKnown }).map(({ action, key }) => `${action} ${formatFenceKey(key)}`);
}

function planOf(manifests: readonly string[], create?: string): string[] {
  return planned(snapshotOf(manifests.join("\n---\n")), create);
}

const CASES: readonly (readonly [string, readonly string[], create: string, plan: readonly string[]])[] = [
  ["a labelled Service has a fence", [namespace("s"), service("s/web", { fenced: "true" })], "Labelled", ["create s/web"]],
  ["a labelled Namespace labels each of its Services", [namespace("s", "true"), service("s/web")], "Labelled", ["create s/web"]],
  ["a Service's own label wins", [namespace("s", "true"), service("s/web", { fenced: "false" })], "Labelled", []],
  ["… and the other way round", [namespace("s", "false"), service("s/web", { fenced: "true" })], "Labelled", ["create s/web"]],
  ["without a label there is none", [namespace("s"), service("s/web")], "Labelled", []],
  ["a label with another value says nothing", [namespace("s", "True"), service("s/web", { fenced: "yes" })], "Labelled", []],
  ["… on the Service, so its Namespace decides", [namespace("s", "true"), service("s/web", { fenced: "" })], "Labelled", ["create s/web"]],
  ["All: without a label there is one", [namespace("s"), service("s/web")], "All", ["create s/web"]],
  ["All: a Namespace is left out", [namespace("s", "false"), service("s/web")], "All", []],
  ["Off: there is none", [namespace("s", "true"), service("s/web"), service("s/db", { fenced: "true" })], "Off", []],
  ["a Service without a selector has no workload", [namespace("s", "true"), service("s/web", { selector: "{}" })], "Labelled", []],
  ["an ExternalName has none either", [namespace("s", "true"), service("s/web", { type: "ExternalName" })], "Labelled", []],
  ["Istio's namespace is left alone", [namespace("istio-system", "true"), service("istio-system/istiod")], "All", []],
  ["… and our own", [namespace("fenceline", "true"), service("fenceline/web", { fenced: "true" })], "All", []],
  [
    "two Services with one selector have one fence, named as the first",
    [namespace("s", "true"), service("s/web-headless", { selector: "{b: x, a: z}" }), service("s/web", { selector: "{a: z, b: x}" })],
    "Labelled",
    ["create s/web"],
  ],
  [
    "the one that exists stays, also where the other is the one that is labelled",
    [
      namespace("s"),
      service("s/web", { fenced: "true", selector: "{app: x}" }),
      service("s/web-headless", { selector: "{app: x}" }),
      fence("s/web-headless", MADE),
    ],
    "Labelled",
    [],
  ],
  [
    "of two that exist, the first stays",
    [
      namespace("s", "true"),
      service("s/one", { selector: "{app: x}" }),
      service("s/two", { selector: "{app: x}" }),
      fence("s/two", MADE),
      fence("s/one", MADE),
    ],
    "Labelled",
    ["delete s/two"],
  ],
  [
    "a Service that is left out leaves its pods out, whatever else selects them",
    [
      namespace("s", "true"),
      service("s/web", { fenced: "false", selector: "{app: x}" }),
      service("s/web-headless", { selector: "{app: x}" }),
    ],
    "Labelled",
    [],
  ],
  [
    "of selectors that overlap the widest has the one fence",
    [
      namespace("s", "true"),
      service("s/a-canary", { selector: "{app: a, track: canary}" }),
      service("s/a", { selector: "{app: a}" }),
      service("s/a-canary-x", { selector: "{app: a, track: canary, zone: x}" }),
    ],
    "Labelled",
    ["create s/a"],
  ],
  [
    "… also where one exists for a narrower one",
    [
      namespace("s", "true"),
      service("s/a-canary", { selector: "{app: a, track: canary}" }),
      service("s/a", { selector: "{app: a}" }),
      fence("s/a-canary", MADE),
    ],
    "Labelled",
    ["create s/a", "delete s/a-canary"],
  ],
  [
    "… which is that of those that ask",
    [namespace("s"), service("s/a"), service("s/a-canary", { fenced: "true", selector: "{app: a, track: canary}" })],
    "Labelled",
    ["create s/a-canary"],
  ],
  [
    "selectors of which neither takes the other's pods do not overlap so",
    [namespace("s", "true"), service("s/a", { selector: "{app: a, zone: x}" }), service("s/b", { selector: "{app: a, track: canary}" })],
    "Labelled",
    ["create s/a", "create s/b"],
  ],
  [
    "a Service that is left out leaves out the pods of narrower selectors, too",
    [
      namespace("s", "true"),
      service("s/a", { fenced: "false" }),
      service("s/a-canary", { fenced: "true", selector: "{app: a, track: canary}" }),
    ],
    "Labelled",
    [],
  ],
  [
    "a person's fence of a wider selector is enough",
    [
      namespace("s", "true"),
      service("s/web", { selector: "{app: web, track: canary}" }),
      fence("s/mine", "", "{enable: true, workloadSelector: {labels: {app: web}}}"),
    ],
    "Labelled",
    [],
  ],
  [
    "while it is not known what a wider one is to have, a narrower one has to wait",
    [service("s/a"), service("s/a-canary", { fenced: "true", selector: "{app: a, track: canary}" })],
    "Labelled",
    [],
  ],
  [
    "the annotation of lazyxds counts as the label, on a Namespace and on a Service",
    [
      annotated("Namespace", "{name: s}", "True"),
      service("s/web"),
      annotated("Service", "{name: db, namespace: s}", "FALSE"),
      namespace("t"),
      annotated("Service", "{name: web, namespace: t}", "true"),
    ],
    "Labelled",
    ["create s/web", "create t/web"],
  ],
  ["… and the label counts before it", [namespace("s", "false", 'annotations: {lazy-xds: "true"}'), service("s/web")], "All", []],
  [
    "… which says nothing with another value",
    [namespace("s", "yes", 'annotations: {lazy-xds: "true"}'), service("s/web")],
    "Labelled",
    ["create s/web"],
  ],
  [
    "equal selectors in two namespaces are two workloads",
    [namespace("s", "true"), namespace("t", "true"), service("s/web"), service("t/web")],
    "Labelled",
    ["create s/web", "create t/web"],
  ],
  ["a person's fence of that name is enough", [namespace("s", "true"), service("s/web"), fence("s/web", "", "{}")], "Labelled", []],
  [
    "… also for another Service of the workload",
    [
      namespace("s", "true"),
      service("s/web", { selector: "{app: x}" }),
      service("s/web-headless", { selector: "{app: x}" }),
      fence("s/web-headless"),
    ],
    "Labelled",
    [],
  ],
  [
    "a person's fence of the same pods is enough, and takes over from an automatic one",
    [
      namespace("s", "true"),
      service("s/web"),
      fence("s/web", MADE, "{enable: true, workloadSelector: {fromService: true}}"),
      fence("s/mine", "", "{enable: true, workloadSelector: {labels: {app: web}}}"),
    ],
    "Labelled",
    ["delete s/web"],
  ],
  ["what a person edited stays", [namespace("s", "true"), service("s/web"), fence("s/web", MADE, "{mode: 'Off'}")], "Labelled", []],
  ["an automatic fence goes with its Service", [namespace("s", "true"), fence("s/web", MADE)], "Labelled", ["delete s/web"]],
  ["… with its label", [namespace("s"), service("s/web"), fence("s/web", MADE)], "Labelled", ["delete s/web"]],
  ["… with its selector", [namespace("s", "true"), service("s/web", { selector: "{}" }), fence("s/web", MADE)], "All", ["delete s/web"]],
  ["Off: those that were made automatically go", [namespace("s", "true"), service("s/web"), fence("s/web", MADE)], "Off", ["delete s/web"]],
  ["Off: those of people stay", [namespace("s", "true"), service("s/web"), fence("s/web")], "Off", []],
  ["a Namespace that is not there is not one without a label: nothing goes", [service("s/web"), fence("s/web", MADE)], "Labelled", []],
  ["… and, with All, nothing comes", [service("s/web")], "All", []],
  ["a Service's own label needs no Namespace", [service("s/web", { fenced: "true" })], "Labelled", ["create s/web"]],
];

for (const [name, manifests, create, plan] of CASES) {
  test(name, () => assert.deepEqual(planOf(manifests, create), plan));
}

test("nothing comes or goes while it is not certain what exists", () => {
  const mesh = snapshotOf([namespace("s", "true"), service("s/web"), fence("s/gone", MADE)].join("\n---\n"));
  assert.deepEqual(
    planned(mesh, "Labelled", () => false),
    [],
  );
  assert.deepEqual(planned(mesh), ["create s/web", "delete s/gone"]);
});

test("thousands of Services, each with its fence, are looked at in milliseconds", (t) => {
  const labels = { "slime.io/serviceFenced": "true" };
  const keys = Array.from({ length: 5_000 }, (_, index) => ({ namespace: "s", name: `s${index}` }));
  const services = keys.map((key) =>
    Service.parse({ apiVersion: "v1", kind: "Service", metadata: key, spec: { selector: { app: key.name, tier: "web" } } }),
  );
  const fences = keys.map((key) => ServiceFence.parse(automaticFence(key, "Enforce")));
  const mesh = {
    namespaces: [Namespace.parse({ apiVersion: "v1", kind: "Namespace", metadata: { name: "s", labels } })],
    services,
    fences,
  };
  const config = configOf("Labelled");
  const look = () => {
    const wanted = wantedFences({ snapshot: mesh, config, workloadOf: () => undefined });
    assert.deepEqual(fenceChanges({ wanted, present: fences, isKnown: () => true }), []);
  };
  look();
  const began = performance.now();
  for (let snapshots = 0; snapshots < 10; snapshots += 1) look();
  const each = (performance.now() - began) / 10;
  t.diagnostic(`${each.toFixed(1)} ms for 5,000 Services and as many fences`);
  assert.ok(each < 500);
});

const fenced = fc.constantFrom(undefined, "true", "false", "other");
const names = fc.constantFrom("a", "b", "c", "d");
const meshes = fc
  .record({
    namespaces: fc.uniqueArray(fc.tuple(fc.constantFrom("s", "t", "istio-system"), fenced), { selector: ([name]) => name }),
    services: fc.uniqueArray(
      fc.tuple(
        fc.constantFrom("s", "t", "istio-system"),
        names,
        fenced,
        fc.constantFrom("{}", "{app: x}", "{app: z}", "{app: x, track: c}"),
      ),
      { selector: ([namespace, name]) => `${namespace}/${name}` },
    ),
    fences: fc.uniqueArray(
      fc.tuple(
        fc.constantFrom("s", "t"),
        names,
        fc.boolean(),
        fc.constantFrom("{enable: true}", "{workloadSelector: {fromService: true}}"),
      ),
      { selector: ([namespace, name]) => `${namespace}/${name}` },
    ),
  })
  .map(({ namespaces, services, fences }) =>
    snapshotOf(
      [
        ...namespaces.map(([name, label]) => namespace(name, label)),
        ...services.map(([namespace, name, fenced, selector]) => service(`${namespace}/${name}`, { fenced, selector })),
        ...fences.map(([namespace, name, made, spec]) => fence(`${namespace}/${name}`, made ? MADE : "", spec)),
      ].join("\n---\n"),
    ),
  );
const modes = fc.constantFrom("Off", "Labelled", "All");

/** The mesh after the plan was carried out. */
function carriedOut(mesh: SnapshotWithLists, create: string): SnapshotWithLists {
  const plan = planned(mesh, create);
  const kept = mesh.fences.filter(({ metadata }) => !plan.includes(`delete ${formatFenceKey(metadata)}`));
  const made = plan.filter((change) => change.startsWith("create ")).map((change) => change.slice("create ".length));
  const spec = "{enable: true, workloadSelector: {fromService: true}}";
  const created = made.length === 0 ? [] : snapshotOf(made.map((place) => fence(place, MADE, spec)).join("\n---\n")).fences;
  return { ...mesh, fences: [...kept, ...created] };
}

test("the order of what exists does not matter", () => {
  fc.assert(
    fc.property(meshes, modes, (mesh, create) => {
      const { namespaces, services, fences } = mesh;
      const turned = {
        ...mesh,
        namespaces: namespaces.toReversed(),
        services: services.toReversed(),
        fences: fences.toReversed(),
      };
      assert.deepEqual(planned(turned, create).sort(), planned(mesh, create).sort());
    }),
  );
});

test("once the plan is carried out, there is nothing to do", () => {
  fc.assert(fc.property(meshes, modes, (mesh, create) => assert.deepEqual(planned(carriedOut(mesh, create), create), [])));
});

/** Automatic fences in known namespaces of which one's selector takes all pods of the other's. */
function overlapping(mesh: SnapshotWithLists): [string, string][] {
  const known = new Set(mesh.namespaces.map(({ metadata }) => metadata.name));
  const made = mesh.fences.filter(({ metadata }) => Object.keys(metadata.labels).length > 0 && known.has(metadata.namespace));
  const keys = new Set(made.map(({ metadata }) => formatFenceKey(metadata)));
  const services = mesh.services.filter(({ metadata }) => keys.has(formatFenceKey(metadata)));
  return services.flatMap((one) =>
    services
      .filter((other) => other !== one && other.metadata.namespace === one.metadata.namespace)
      .filter((other) => hasLabels(one.spec.selector, other.spec.selector))
      .map((other): [string, string] => [formatFenceKey(one.metadata), formatFenceKey(other.metadata)]),
  );
}

test("a fence without the label is in no plan, and no workload has two automatic ones or one beside a person's", () => {
  const isMade = ({ metadata }: ServiceFence) => Object.keys(metadata.labels).length > 0;
  fc.assert(
    fc.property(meshes, modes, (mesh, create) => {
      const plan = planned(mesh, create);
      for (const fence of mesh.fences)
        if (!isMade(fence)) assert.ok(!plan.some((change) => change.endsWith(` ${formatFenceKey(fence.metadata)}`)));
      const after = carriedOut(mesh, create);
      const selectorOf = ({ metadata: { namespace, name } }: ServiceFence) => {
        const found = after.services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
        return found === undefined ? undefined : `${namespace} ${JSON.stringify(found.spec.selector)}`;
      };
      for (const [one, other] of overlapping(after)) assert.fail(`${one} and ${other} are for the same pods`);
      const known = new Set(after.namespaces.map(({ metadata }) => metadata.name));
      const automatic = after.fences.filter((fence) => isMade(fence) && known.has(fence.metadata.namespace)).map(selectorOf);
      assert.equal(new Set(automatic).size, automatic.length);
      for (const fence of after.fences)
        if (!isMade(fence) && fence.spec.workloadSelector.fromService) assert.ok(!automatic.includes(selectorOf(fence)));
    }),
  );
});

test("T-07 no workload of Istio's root namespace is fenced automatically, and an automatic fence there is wanted no more", () => {
  const config = Config.parse({ automaticFences: { create: "All" }, rootNamespace: "istio-config" });
  const snapshot = snapshotOf(
    [namespace("istio-config", "true"), service("istio-config/a", { fenced: "true" }), fence("istio-config/a", MADE)].join("\n---\n"),
  );
  const wanted = wantedFences({ snapshot, config, workloadOf: () => undefined });
  assert.deepEqual(wanted, { fences: [], undecided: [] });
  const changes = fenceChanges({ wanted, present: snapshot.fences, isKnown: () => true });
  assert.deepEqual(
    changes.map(({ action }) => action),
    ["delete"],
  );
});

const SHOP = [
  "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {env: prod, slime.io/serviceFenced: 'true'}}}",
  service("shop/web"),
  fence("shop/old", MADE),
  fence("shop/mine"),
];
const PROD = [{ matchLabels: { env: "prod" } }];
const DEV = [{ matchExpressions: [{ key: "env", operator: "In" as const, values: ["dev"] }] }];

for (const [what, namespaces, discovery, plan] of [
  ["in a namespace that is allowed one is made", { allow: ["bank", "shop"] }, [], ["create shop/web", "delete shop/old"]],
  ["in one that is not allowed none", { allow: ["bank"] }, [], ["delete shop/old"]],
  ["in one that is denied none", { deny: ["shop"] }, [], ["delete shop/old"]],
  ["what is denied is not allowed", { deny: ["shop"], allow: ["shop"] }, [], ["delete shop/old"]],
  ["in one that a selector takes one is made", { selectors: [...DEV, ...PROD] }, [], ["create shop/web", "delete shop/old"]],
  ["in one that none takes none", { selectors: DEV }, [], ["delete shop/old"]],
  ["names and selectors must agree", { allow: ["shop"], selectors: DEV }, [], ["delete shop/old"]],
  ["in one that istiod does not know none is made", {}, [DEV], ["delete shop/old"]],
  ["in one that one istiod knows one is made", {}, [DEV, PROD], ["create shop/web", "delete shop/old"]],
  ["an istiod without selectors knows each", {}, [DEV, []], ["create shop/web", "delete shop/old"]],
] as const)
  test(`rows 32 to 34, 118: ${what}, and a person's fence stays`, () => {
    const snapshot = snapshotOf(SHOP.join("\n---\n"));
    const config = Config.parse({ automaticFences: { namespaces } });
    const wanted = wantedFences({ snapshot, config, discovery, workloadOf: () => undefined });
    const changes = fenceChanges({ wanted, present: snapshot.fences, isKnown: () => true });
    assert.deepEqual(
      changes.map(({ action, key }) => `${action} ${formatFenceKey(key)}`),
      plan,
    );
  });

test("row 34: whether a namespace that is not there is in the scope is not known, unless its name says so: nothing goes", () => {
  const snapshot = snapshotOf([service("shop/web", { fenced: "true" }), fence("shop/web", MADE)].join("\n---\n"));
  const wanted = (namespaces: object) =>
    wantedFences({ snapshot, config: Config.parse({ automaticFences: { namespaces } }), workloadOf: () => undefined });
  const web = { namespace: "shop", name: "web" };
  assert.deepEqual(wanted({ selectors: PROD }), { fences: [], undecided: [web] });
  assert.deepEqual(wanted({ deny: ["shop"] }), { fences: [], undecided: [] });
});

for (const [what, revisions, plan] of [
  ["in a namespace of a managed revision one is made", { names: ["canary"] }, ["create shop/web", "delete shop/old", "delete shop/canary"]],
  ["in one of another revision none, and what is made by another there stays", { names: ["stable"] }, ["delete shop/old"]],
  [
    "with strict, what has no revision is another's",
    { names: ["canary"], strict: true, own: "canary" },
    ["create shop/web", "delete shop/canary"],
  ],
] as const)
  test(`row 37: ${what}`, () => {
    const canary = MADE.replace("{", "{istio.io/rev: canary, ");
    const snapshot = snapshotOf(
      [
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/rev: canary, slime.io/serviceFenced: 'true'}}}",
        service("shop/web"),
        fence("shop/old", MADE),
        fence("shop/canary", canary),
      ].join("\n---\n"),
    );
    const config = Config.parse({ revisions });
    const wanted = wantedFences({ snapshot, config, workloadOf: () => undefined });
    const changes = fenceChanges({ wanted, present: snapshot.fences, isKnown: () => true, revisions: config.revisions });
    assert.deepEqual(
      changes.map(({ action, key }) => `${action} ${formatFenceKey(key)}`),
      plan,
    );
  });
