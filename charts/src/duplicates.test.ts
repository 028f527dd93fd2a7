import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { goldenCases, HELM, renderChart } from "./chart.ts";
import { type JsonSchema, valuesSchema } from "./values.ts";

/**
 * Nothing is there twice in what is rendered, whatever the values say: of two keys a reader of YAML
 * takes the last without a word, or refuses the whole; the API server refuses most lists with a
 * name twice.
 */

const skip = HELM === undefined && process.env.CI !== "true" && "no Helm here: scripts/tools/install.mjs helm could not install it";
const everything = goldenCases().find(({ values }) => values.endsWith("everything.values.yaml")) ?? assert.fail();
const EVERYTHING = parse(readFileSync(everything.values, "utf8"));
const GOLDEN = readFileSync(everything.golden, "utf8");

/** What makes an entry of a list another one than the next. */
const KEYS_OF_ENTRIES: Readonly<Record<string, string>> = { volumeMounts: "mountPath", imagePullSecrets: "name" };

function duplicatesIn(text: string): string[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => [
    ...document.errors.map(({ message }) => message),
    ...(document.errors.length > 0 ? [] : repeatedIn(document.toJS(), [])),
  ]);
}

/** Entries of lists that have the name of another one. */
function repeatedIn(value: unknown, path: readonly string[]): string[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.entries(value).flatMap(([key, each]) => repeatedIn(each, [...path, key]));
  if (!Array.isArray(value)) return below;
  const key = KEYS_OF_ENTRIES[path.at(-1) ?? ""] ?? "name";
  const names = value.flatMap((each) => each?.[key] ?? []);
  const repeated = names.filter((name, at) => names.indexOf(name) !== at);
  return [...below, ...repeated.map((name) => `${path.join(".")}: ${key} ${name}`)];
}

/** All keys of labels and annotations that the chart renders. */
function keysOfMetadata(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === "labels" || key === "annotations" ? Object.keys(each) : keysOfMetadata(each),
  );
}

const TAKEN = [...new Set(parseAllDocuments(GOLDEN).flatMap((document) => keysOfMetadata(document.toJS())))];

/** Settings that have no settings below them. */
function leaves(schema: JsonSchema, path: readonly string[] = []): { path: readonly string[]; schema: JsonSchema }[] {
  if (schema.properties === undefined) return [{ path, schema }];
  return Object.entries(schema.properties).flatMap(([name, property]) => leaves(property, [...path, name]));
}

const at = (values: unknown, path: readonly string[]) =>
  path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], values);

/** The values of the case `everything`, one setting changed. */
function renderWith(t: TestContext, path: readonly string[], value: unknown) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-chart-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "values.json");
  writeFileSync(file, JSON.stringify(path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value)));
  return renderChart("--values", everything.values, "--values", file);
}

test("T-53 the goldens have nothing twice, and what has is found", () => {
  for (const { golden } of goldenCases()) assert.deepEqual(duplicatesIn(readFileSync(golden, "utf8")), []);
  assert.equal(duplicatesIn("a: {b: 1, b: 2}").length, 1);
  assert.deepEqual(duplicatesIn("env: [{name: a}, {name: b}, {name: a}]"), ["env: name a"]);
});

for (const { path } of leaves(valuesSchema()).filter(
  ({ schema }) => schema.additionalProperties !== undefined && schema.additionalProperties !== false,
)) {
  const name = path.join(".");
  test(`T-53 ${name} with every key that the chart has itself renders none twice`, { skip }, (t) => {
    const own = /annotations$/i.test(name) ? { "proxy.istio.io/config": "concurrency: 2\n" } : {};
    const { code, output, errors } = renderWith(t, path, { ...Object.fromEntries(TAKEN.map((key) => [key, "x"])), ...own });
    if (code !== 0) assert.match(errors, /Error/);
    else assert.deepEqual(duplicatesIn(output), []);
    if (/annotations|labels$/i.test(name)) assert.equal(code, 0, errors);
  });
}

/** Lists, each with an entry of the case, and ports. */
const LISTS = leaves(valuesSchema()).flatMap(({ path, schema }) => {
  if (schema.type !== "array") return [];
  const [entry = at(schema, ["items", "type"]) === "integer" ? 8080 : undefined] = (at(EVERYTHING, path) as unknown[] | undefined) ?? [];
  return entry === undefined ? [] : [{ path, entry }];
});

test("T-53 the case sets lists of every part", () => assert.ok(LISTS.length > 10));

for (const { path, entry } of LISTS) {
  test(`T-53 ${path.join(".")} with an entry twice renders nothing twice, or is refused`, { skip }, (t) => {
    const { code, output, errors } = renderWith(t, path, [entry, entry]);
    if (code === 0) assert.deepEqual(duplicatesIn(output), []);
    else assert.match(errors, /Error/);
  });
}

const OWN_NAMES: readonly (readonly [path: string, entry: object, expected: RegExp])[] = [
  ["collector.extraEnv", { name: "POD_NAME", value: "x" }, /collector\.extraEnv: the name POD_NAME is the chart's own/],
  ["globalSidecar.extraEnv", { name: "POD_IPS", value: "x" }, /globalSidecar\.extraEnv: the name POD_IPS is the chart's own/],
  ["collector.extraVolumes", { name: "config", emptyDir: {} }, /collector\.extraVolumes: the name config is the chart's own/],
  ["globalSidecar.extraVolumes", { name: "collector-token", emptyDir: {} }, /globalSidecar\.extraVolumes: the name collector-token is/],
  ["collector.extraVolumeMounts", { name: "config", mountPath: "/etc/fenceline/" }, /extraVolumeMounts: the mountPath \/etc\/fenceline is/],
];
for (const [path, entry, expected] of OWN_NAMES) {
  test(`T-53 ${path} with a name of the chart's is refused, and says so: ${JSON.stringify(entry)}`, { skip }, (t) => {
    const { code, errors } = renderWith(t, path.split("."), [entry]);
    assert.notEqual(code, 0);
    assert.match(errors, expected);
  });
}

for (const part of ["collector", "globalSidecar"]) {
  const annotationsWith = (t: TestContext, annotations: object) => {
    const { output, errors } = renderWith(t, [part, "podAnnotations"], annotations);
    const kept = parseAllDocuments(output).map((document) => document.toJS());
    const name = part === "collector" ? "fenceline-collector" : "global-sidecar";
    const of = kept.find((object) => object?.kind === "Deployment" && object.metadata.name === name);
    return { annotations: of?.spec.template.metadata.annotations, errors };
  };

  test(`T-53 settings of the Envoy of ${part} are added to the chart's own, which stay`, { skip }, (t) => {
    const { annotations } = annotationsWith(t, {
      "proxy.istio.io/config": "concurrency: 3\nholdApplicationUntilProxyStarts: false\nproxyMetadata: {A: b}\n",
      "prometheus.io/scrape": "false",
      "checksum/config": "x",
    });
    const settings = parse(annotations["proxy.istio.io/config"]);
    assert.partialDeepStrictEqual(settings, { concurrency: 3, holdApplicationUntilProxyStarts: true, proxyMetadata: { A: "b" } });
    assert.equal(annotations["prometheus.io/scrape"], "false");
    if (part === "collector") assert.match(annotations["checksum/config"], /^[0-9a-f]{64}$/);
  });

  for (const text of ["concurrency", "- a", "{", "a: b: c"]) {
    test(`T-53 settings of the Envoy of ${part} that are no map are refused: ${text}`, { skip }, (t) => {
      const { errors } = annotationsWith(t, { "proxy.istio.io/config": text });
      assert.match(errors, new RegExp(`${part}\\.podAnnotations: proxy\\.istio\\.io/config is not a map in YAML`));
    });
  }
}
