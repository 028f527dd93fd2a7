import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { PUMP } from "../testing/pump.ts";
import { schemaFaults } from "../testing/schema-faults.ts";
import { customResourceDefinitions } from "./custom-resource-definition.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { OWN_KINDS } from "./table.ts";

const DEFINITIONS = OWN_KINDS.flatMap((kind) => customResourceDefinitions(kind));
const FOLDER = join(import.meta.dirname, "../../../../charts/fenceline/crds");
const NODE_WORDS = new Set<string>([
  ...["description", "type", "format", "nullable", "enum", "pattern", "minimum", "maximum", "maxLength", "required"],
  ...["properties", "additionalProperties", "items", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"],
  ...["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations", "allOf", "exclusiveMinimum", "exclusiveMaximum"],
  ...["multipleOf", "minLength", "minItems", "maxItems"],
]);

const schemas = DEFINITIONS.flatMap(schemasOf);
const fenceSchemas = DEFINITIONS.filter(({ spec }) => spec.names.kind === "ServiceFence").flatMap(schemasOf);

test("the chart's files are what the schemas say: run `npm run crds` after a change", () => {
  assert.deepEqual(globSync("*.yaml", { cwd: FOLDER }).sort(), DEFINITIONS.map(({ metadata }) => `${metadata.name}.yaml`).sort());
  for (const definition of DEFINITIONS) {
    const text = readFileSync(join(FOLDER, `${definition.metadata.name}.yaml`), "utf8");
    // As kubectl and Helm read it: in YAML 1.1 a plain `Off` is the boolean false.
    assert.deepEqual(parse(text, { version: "1.1" }), definition);
  }
});

test("issue 14: a kind of two groups has one definition for each, with every version of it: the first is stored, each is served", () => {
  const definitions = customResourceDefinitions(PUMP);
  const versions = definitions.map(({ metadata, spec }) => [
    metadata.name,
    spec.versions.map(({ name, served, storage }) => [name, served, storage]),
  ]);
  assert.deepEqual(versions, [
    [
      "pumps.test.fenceline.io",
      [
        ["v1", true, true],
        ["v1beta1", true, false],
      ],
    ],
    ["pumps.old.fenceline.io", [["v1beta1", true, true]]],
  ]);
  // What one version lacks the API server would prune, whichever version it is written in.
  const [first, second] = definitions[0]?.spec.versions ?? [];
  assert.deepEqual(first?.schema, second?.schema);
  for (const definition of definitions) {
    const golden = join(import.meta.dirname, "../../testdata/crds", `${definition.metadata.name}.yaml`);
    assert.deepEqual(parse(readFileSync(golden, "utf8"), { version: "1.1" }), definition, "run `npm run crds` after a change");
  }
});

test("issue 14: a kind whose fields have several names, and that reads one of them only, is an error", () => {
  const { normalize: _, ...bare } = PUMP;
  assert.throws(() => customResourceDefinitions(bare), /Pump has fields of several names and no normalize/);
});

test("both groups have the same ServiceFence, with a status of its own", () => {
  const [ours, netease] = DEFINITIONS;
  assert.deepEqual(
    [ours, netease].map((definition) => definition?.metadata.name),
    ["servicefences.microservice.slime.io", "servicefences.microservice.netease.com"],
  );
  assert.deepEqual(ours?.spec.versions, netease?.spec.versions);
  assert.deepEqual(ours?.spec.versions[0]?.subresources, { status: {} });
});

test("every schema is structural: each node has a type, int-or-string or unknown fields, and only words that Kubernetes knows", () => {
  const ofTests = customResourceDefinitions(PUMP).flatMap(({ spec }) => spec.versions.map(({ schema }) => schema.openAPIV3Schema));
  for (const schema of [...schemas, ...ofTests]) {
    for (const [path, node] of nodesOf(schema, "")) {
      requireKind(path, node);
      for (const word of Object.keys(node)) assert.ok(NODE_WORDS.has(word), `${path} has ${word}`);
      for (const name of node.required ?? []) assert.ok(node.properties?.[name] !== undefined, `${path} requires ${name}`);
      for (const key of node["x-kubernetes-list-map-keys"] ?? [])
        assert.ok(node.items?.required?.includes(key), `${path} is keyed by ${key}`);
    }
  }
});

function schemasOf({ spec }: (typeof DEFINITIONS)[number]) {
  return spec.versions.map(({ schema }) => schema.openAPIV3Schema);
}

function requireKind(path: string, node: StructuralSchema): void {
  const isEither = node["x-kubernetes-int-or-string"] === true;
  assert.ok(isEither || node["x-kubernetes-preserve-unknown-fields"] || node.type !== undefined, `${path} has no type`);
  assert.ok(!isEither || node.type === undefined, `${path} has a type and int-or-string`);
  assert.ok(node.properties === undefined || node.additionalProperties === undefined, `${path} is both a map and not`);
}

test("what people and Slime write is taken as it stands, and nothing of it is pruned", () => {
  for (const fence of [...specimens("accepted"), ...slimeStatuses()]) {
    for (const schema of fenceSchemas) assert.deepEqual(schemaFaults(schema, fence), [], JSON.stringify(fence));
  }
});

test("what cannot be meant is refused at the API server", () => {
  for (const fence of specimens("refused")) {
    for (const schema of fenceSchemas) assert.notDeepEqual(schemaFaults(schema, fence), [], JSON.stringify(fence));
  }
});

function specimens(kind: "accepted" | "refused"): object[] {
  const accepted = [
    { enable: true, host: { "b.test1.svc.cluster.local": { stable: {} } } },
    {
      enable: true,
      host: { "b.test1.svc.cluster.local": null, "payments/*": {} },
      namespaceSelector: ["a"],
      workloadSelector: { fromService: true },
    },
    {
      host: {
        a: { deadline: { expire: { seconds: 1767225600 } } },
        b: { auto: { duration: { seconds: "3600" } }, RecentlyCalled: { seconds: "1" } },
      },
    },
    { labelSelector: [{ selector: { tier: "shared" } }, {}], workloadSelector: { labels: { app: "a" } } },
    { mode: "Observe", idleWindow: "1h30m", maxHosts: 10, tcp: "learn", warmUp: { preload: "All", for: "24h" } },
    ...["None", "Namespace", ["a.b.svc.cluster.local", "payments/*", "*.example.com"], []].map((preload) => ({ warmUp: { preload } })),
  ];
  const refused = [
    { mode: "Sometimes" },
    { idleWindow: "a day" },
    { maxHosts: 0 },
    { enable: "yes" },
    { host: { a: { deadline: {} } } },
    { host: { a: { auto: { duration: { seconds: "1h" } } } } },
    { tpc: "visible" },
    { warmUp: { preload: "Sometimes" } },
    { warmUp: { preload: "none" } },
    { warmUp: { preload: ["b.test1.svc.cluster.local:80"] } },
    { warmUp: { preload: ["a".repeat(64)] } },
    { warmUp: { preload: [`${"a.".repeat(127)}a`] } },
    { warmUp: { preload: [1] } },
  ];
  return (kind === "accepted" ? accepted : refused).map((spec) => ({
    apiVersion: "a/v1",
    kind: "ServiceFence",
    metadata: { name: "a" },
    spec,
  }));
}

/** What Slime's controller leaves behind: its enum as text or number, its deprecated fields. */
function slimeStatuses(): object[] {
  return [
    {
      status: {
        metricStatus: { '{destination_service="b.ns.svc.cluster.local"}': "1" },
        visitor: { "ns/a": true },
        domains: {
          "b.ns.svc.cluster.local": { hosts: ["b.ns.svc.cluster.local"], status: "EXPIREWAIT", RecentlyCalled: { seconds: "1" } },
          "c.ns.svc.cluster.local": { hosts: null, status: 1 },
          "payments/*": {},
        },
      },
    },
    { status: { metricStatus: null, conditions: [], later: { anything: 1 } } },
  ];
}

function* nodesOf(node: StructuralSchema, path: string): Generator<readonly [string, StructuralSchema]> {
  yield [path, node];
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* nodesOf(child, `${path}.${name}`);
  if (node.additionalProperties !== undefined) yield* nodesOf(node.additionalProperties, `${path}.*`);
  if (node.items !== undefined) yield* nodesOf(node.items, `${path}[]`);
}
