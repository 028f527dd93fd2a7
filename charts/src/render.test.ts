import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { Config, parseDuration } from "@fenceline/api";
import { CHART, goldenCases, HELM, helm, renderChart } from "./chart.ts";
import { type JsonSchema, valuesSchema } from "./values.ts";
import { valuesFile } from "./values-file.ts";

// Where Go is missing there is no Helm. On CI that is a failure: the one place where these must
// run.
const IMAGE = ["--set", "image.repository=registry.example/fenceline"] as const;
const skip = HELM === undefined && process.env.CI !== "true" && "no Helm here: scripts/tools/install.mjs helm could not install it";

test("helm lint has nothing to say against the chart", { skip }, () => {
  const { code, output, errors } = helm("lint", "--strict", CHART);
  assert.equal(code, 0, output + errors);
});

test("the values schema is what charts/src/values.ts says: run `npm run chart` after a change", () => {
  assert.deepEqual(JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")), JSON.parse(JSON.stringify(valuesSchema())));
});

test("T-53 values.yaml is what the schemas say: run `npm run chart` after a change", () => {
  assert.equal(readFileSync(join(CHART, "values.yaml"), "utf8"), valuesFile());
});

test("T-53 values.yaml lists every setting, each with a comment", () => {
  const lines = valuesFile().split("\n");
  const settings = leaves(valuesSchema()).filter(({ path }) => path[0] !== "global");
  assert.ok(settings.length > 80);
  for (const { path, schema } of settings) {
    const indent = "  ".repeat(path.length - 1);
    const at = lines.findIndex((line) => line.startsWith(`${indent}${path.at(-1)}:`) || line === `${indent}# ${path.at(-1)}:`);
    assert.ok(at > 0, path.join("."));
    assert.ok((schema.description ?? "") !== "" && lines[at - 1]?.startsWith(`${indent}# `), `${path.join(".")} says nothing of itself`);
  }
});

/** Settings that have no settings below them. */
function leaves(schema: JsonSchema, path: readonly string[] = []): { path: readonly string[]; schema: JsonSchema }[] {
  if (schema.properties === undefined) return [{ path, schema }];
  return Object.entries(schema.properties).flatMap(([name, property]) => leaves(property, [...path, name]));
}

test("every golden has its values", () => {
  const goldens = globSync("testdata/*.golden.yaml", { cwd: CHART }).map((file) => join(CHART, file));
  const wanted = goldenCases().map(({ golden }) => golden);
  assert.deepEqual(goldens.sort(), wanted.sort());
  assert.ok(wanted.length > 0);
});

for (const { values, golden } of goldenCases()) {
  test(`${basename(values)} renders to its golden`, { skip }, () => {
    const { code, output, errors } = renderChart("--values", values);
    assert.equal(code, 0, errors);
    assert.equal(output, readFileSync(golden, "utf8"));
  });
}

for (const [what, flag] of [
  ["a value that does not exist", "globalSidecar.replica=3"],
  ["a configuration field that does not exist", "config.ageing.idelWindow=1h"],
  ["a configuration value out of its range", "config.telemetry.sampling=101"],
  ["a namespace in the configuration, which is the release's", "config.namespace=other"],
  ["a port that is none", "globalSidecar.ports={70000}"],
  ["an empty list of peers, which a NetworkPolicy reads as everybody", "networkPolicy.api=[]"],
  ["a list of peers that was taken away", "networkPolicy.api=null"],
  ["T-53 a setting that was taken away", "globalSidecar.autoscaling.minReplicas=null"],
  ["T-53 a duration without a unit", "config.ageing.idleWindow=24"],
  ["T-53 a duration that is none", "config.telemetry.flushInterval=soon"],
  ["T-53 a digest that is none", "image.digest=1.2.3"],
  ["T-53 a label that is no text", "commonLabels.team=true"],
  ["T-53 a label's value that the API server would refuse", "commonLabels.team=a b"],
  ["T-53 a label's key that the API server would refuse", "collector.podLabels.a b=x"],
  ["T-53 a name that is no label's value", "nameOverride=-x"],
  ["T-53 a revision that is no label's value", "istio.revision=a b"],
  ["T-53 a revision after which no ConfigMap can be named", "istio.revision=Canary"],
  ["T-53 a cluster domain with a label that DNS does not take", `config.clusterDomain=${"a".repeat(64)}`],
  ["T-53 a cluster domain that leaves no room for names of Services", `config.clusterDomain=${`${"a".repeat(60)}.`.repeat(3)}local`],
  ["T-53 more requests in flight than a flag can say", "globalSidecar.load.maxRequests=1000000000"],
  ["T-53 more connections than a flag can say", "globalSidecar.load.maxConnections=1000000000"],
  ["T-53 a port that stands twice", "globalSidecar.ports={80,80}"],
  ["T-53 a repository with its tag", "collector.image.repository=registry.example:5000/fenceline:1.0"],
  ["T-53 a repository with its digest", "collector.image.repository=registry.example/fenceline@sha256"],
  ["T-53 a repository of a blank", "collector.image.repository= "],
  ["T-53 a tag with a blank", "image.tag=1 2"],
  ["T-53 a cluster domain with a dot at its end", "config.clusterDomain=cluster.local."],
  ["T-53 a cluster domain in upper case", "config.clusterDomain=Cluster.Local"],
  ["T-53 a CIDR whose prefix is too long", "config.external.allow={10.0.0.0/33}"],
  ["T-53 an address that was mistyped", "config.external.deny={10.0.0.256}"],
  ["T-53 an IPv6 address of too few groups", "config.external.allow={fd00:1}"],
  ["T-53 an IPv6 address with two gaps", "config.external.deny={fd00::1::2}"],
  ["T-53 an IPv6 address with a group of five digits", "config.external.allow={fd000::/8}"],
] as const) {
  test(`${what} is refused`, { skip }, () => {
    const { code, errors } = renderChart(...IMAGE, flag.endsWith("[]") ? "--set-json" : "--set", flag);
    assert.equal(code, 1);
    assert.match(errors, /values don't meet the specifications of the schema/);
  });
}

for (const [what, flags, ...names] of [
  ["a revision's", ["istio.revision=canary"], "istio-canary"],
  ["without a revision", ["istio.revision=default"], "istio"],
  ["that the values name, whatever the revision", ["istio.revision=stable", "config.meshConfigMaps={istio-1-28}"], "istio-1-28"],
  ["that the values name as long as there was one", ["istio.revision=stable", "config.meshConfigMap=istio-1-28"], "istio-1-28"],
  [
    "of each revision that the values name, once",
    ["config.meshConfigMaps={istio,istio-1-28,istio-user}", "config.meshConfigMap=istio"],
    "istio",
    "istio-1-28",
    "istio-user",
  ],
] as const) {
  test(`T-05 the ConfigMap with MeshConfig is the one ${what}, in the configuration and in the right to it`, { skip }, () => {
    const { output } = renderChart(...IMAGE, ...flags.flatMap((flag) => ["--set", flag]));
    const listed = names.map((name) => `\\n +- ${name}`).join("");
    assert.match(output, new RegExp(`^ +meshConfigMaps:${listed}\\n +[a-zA-Z]+:`, "m"));
    assert.doesNotMatch(output, /meshConfigMap:/);
    assert.ok(output.includes(`resourceNames: ${JSON.stringify(names)}\n`));
  });
}

test("a fallback port that the Service does not have is refused", { skip }, () => {
  const { code, errors } = renderChart(...IMAGE, "--set", "config.fallback.port=8080");
  assert.equal(code, 1);
  assert.match(errors, /config\.fallback\.port 8080 is not in globalSidecar\.ports/);
});

test("T-53 without an image repository nothing is installed, and the message says what to do", { skip }, () => {
  const { code, errors } = renderChart();
  assert.equal(code, 1);
  assert.match(errors, /image\.repository is not set.*--set image\.repository=REGISTRY\/fenceline/);
  // Each part may have an image of its own, and then needs no common one.
  const own = ["collector", "globalSidecar"].flatMap((part) => [
    "--set",
    `${part}.image.repository=registry.example/${part.toLowerCase()}`,
  ]);
  assert.equal(renderChart(...own).code, 0);
});

for (const [what, flags, message] of [
  ["more pods at least than at most", ["globalSidecar.autoscaling.minReplicas=11"], /minReplicas 11 is more than maxReplicas 10/],
  ["a tag of a part's own image, which has none", ["globalSidecar.image.tag=1.0"], /set globalSidecar\.image\.repository/],
  [
    "an idle window below the shortest one",
    ["config.ageing.idleWindow=1m", "config.ageing.shortestWindow=2m"],
    /config\.ageing\.idleWindow 1m is out of range: from 2m/,
  ],
] as const) {
  test(`T-53 ${what} is refused, and the message names the setting`, { skip }, () => {
    const { code, errors } = renderChart(...IMAGE, ...flags.flatMap((flag) => ["--set", flag]));
    assert.equal(code, 1);
    assert.match(errors, message);
  });
}

test("T-07 the chart is not installed into Istio's root namespace, where its policies and EnvoyFilters would count in every namespace", {
  skip,
}, () => {
  const install = (namespace: string, ...flags: string[]) =>
    helm("template", "fenceline", CHART, "--namespace", namespace, ...IMAGE, ...flags);
  for (const { code, errors } of [
    install("istio-system"),
    install("mesh", "--set", "config.istioNamespace=mesh"),
    install("root", "--set", "config.rootNamespace=root"),
  ]) {
    assert.equal(code, 1);
    assert.match(errors, /is Istio's, and .* would count in every namespace: install Fenceline into a namespace of its own/);
  }
  assert.equal(install("mesh", "--set", "config.rootNamespace=root").code, 0);
});

test("T-53 registries with a port, by address, and repositories of one name are taken", { skip }, () => {
  for (const repository of ["fenceline", "registry.example:5000/a/fenceline", "10.0.0.1:5000/fenceline", "[fd00::1]:5000/fenceline"])
    assert.equal(renderChart("--set", `image.repository=${repository}`).code, 0, repository);
});

/**
 * What the collector would read: the chart must refuse just what it refuses, or a release is
 * installed whose collector never starts.
 */
test("T-53 durations out of their range are refused by the chart as by the collector", { skip }, () => {
  const lengths = [
    "0s",
    "9.9ms",
    "10ms",
    "99ms",
    "0.1s",
    "9s",
    "10s",
    "10m",
    "10m1ms",
    "24h",
    "23h60m",
    "24h1s",
    "87600h",
    "87600h1ms",
    "9999999h",
    "15s",
    "720h",
    "720h1ms",
  ];
  const isDuration = (value: unknown) => typeof value === "string" && parseDuration(value) !== undefined;
  const durationsIn = (settings: unknown, path: readonly string[]): readonly (readonly string[])[] => {
    if (isDuration(settings)) return [path];
    if (typeof settings !== "object" || settings === null || Array.isArray(settings)) return [];
    return Object.entries(settings).flatMap(([field, value]) => durationsIn(value, [...path, field]));
  };
  const fields = durationsIn(Config.parse({}), []);
  assert.ok(fields.length >= 11, fields.join(" "));
  for (const path of fields) {
    for (const length of lengths) {
      const given = path.reduceRight<unknown>((inner, field) => ({ [field]: inner }), length);
      const isTaken = Config.safeParse(given).success;
      const { code, errors } = renderChart(...IMAGE, "--set", `config.${path.join(".")}=${length}`);
      assert.equal(code === 0, isTaken, `${path.join(".")}=${length}: ${errors}`);
    }
  }
});

test("T-53 expressions that Envoy cannot read are refused by the chart as by the collector, by the setting's name", { skip }, () => {
  const fields = [
    [(expression: string) => ({ match: expression }), /\$config\.fallback\.match/],
    [(domainRegex: string) => ({ dispatches: [{ name: "a", domainRegex, cluster: "c" }] }), /\$dispatch\.domainRegex/],
  ] as const;
  for (const expression of [
    "(?=x)",
    "(",
    "x{1001}",
    "(x{100}){100}",
    "\\1",
    "[[:nope:]]",
    "[\\b]",
    "a.*",
    "(?i)[^.:]+(:\\d+)?",
    "(?P<n>a)",
    "\\x{100}",
    "\\x{00000100}",
    "[\\x{80}-\\x{10FFFF}]",
    "\\400",
    "(\\777)",
    "a\\\\\\x{100}",
    "\\Qa\\E\\x{100}",
    "\\x{0ff}\\377\\077\\x7F",
    "a\\\\x{100}",
    "\\Q\\x{100}\\777\\E\\.",
    "\\Q\\x{100}",
  ]) {
    for (const [fallbackWith, name] of fields) {
      const fallback = fallbackWith(expression);
      const isTaken = Config.safeParse({ fallback }).success;
      const settings = Object.entries(fallback).map(([field, value]) => `config.fallback.${field}=${JSON.stringify(value)}`);
      const { code, errors } = renderChart(...IMAGE, "--set-json", ...settings);
      assert.equal(code === 0, isTaken, `${expression}: ${errors}`);
      if (!isTaken) assert.match(errors, name);
    }
  }
});

test("T-53 a route in front of the fallback is taken with hosts or an expression, and refused with neither, as by the collector", {
  skip,
}, () => {
  for (const route of [{ domains: ["a.example"] }, { domainRegex: "a" }, { domains: [], domainRegex: "a" }, { domains: [] }, {}]) {
    const dispatches = [{ name: "a", cluster: "c", ...route }];
    const isTaken = Config.safeParse({ fallback: { dispatches } }).success;
    const { code, errors } = renderChart(...IMAGE, "--set-json", `config.fallback.dispatches=${JSON.stringify(dispatches)}`);
    assert.equal(code === 0, isTaken, `${JSON.stringify(route)}: ${errors}`);
  }
});

test("row 77: the cluster of a dispatch may be a template, and must be a cluster of Envoy then", { skip }, () => {
  const dispatches = (cluster: string) => JSON.stringify([{ name: "egress", domains: ["*.partner.example"], cluster }]);
  const rendered = (cluster: string) => renderChart(...IMAGE, "--set-json", `config.fallback.dispatches=${dispatches(cluster)}`);
  const { code, output, errors } = rendered("outbound|80||egress.{{.Release.Namespace}}.svc.{{.Values.config.clusterDomain}}");
  assert.equal(code, 0, errors);
  assert.match(output, /cluster: outbound\|80\|\|egress\.fenceline\.svc\.cluster\.local\n/);
  assert.match(rendered("{{.Values.nothing}}").errors, /becomes "", which is no cluster of Envoy/);
  assert.match(rendered("_GLOBAL_SIDECAR").output, /cluster: _GLOBAL_SIDECAR\n/);
});

test("T-53 an address that ends with a colon is a flag of the global sidecar, and no map of YAML", { skip }, () => {
  for (const list of ["allow", "deny"]) {
    const { code, output, errors } = renderChart(...IMAGE, "--set", `config.external.${list}={fd00::}`);
    assert.equal(code, 0, errors);
    assert.ok(output.includes(`- "--external-${list}=fd00::"\n`));
  }
});
