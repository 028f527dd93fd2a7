import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { CHART, goldenCases, HELM, helm, renderChart } from "./chart.ts";
import { valuesSchema } from "./values.ts";

// Where Go is missing there is no Helm. On CI that is a failure: the one place where these must run.
const skip = HELM === undefined && process.env.CI !== "true" && "no Helm here: scripts/install-helm.mjs could not install it";

test("helm lint has nothing to say against the chart", { skip }, () => {
  const { code, output, errors } = helm("lint", "--strict", CHART);
  assert.equal(code, 0, output + errors);
});

test("the values schema is what scripts/chart/values.ts says: run `npm run chart` after a change", () => {
  assert.deepEqual(JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")), JSON.parse(JSON.stringify(valuesSchema())));
});

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
] as const) {
  test(`${what} is refused`, { skip }, () => {
    const { code, errors } = renderChart(flag.endsWith("[]") ? "--set-json" : "--set", flag);
    assert.equal(code, 1);
    assert.match(errors, /values don't meet the specifications of the schema/);
  });
}

test("a fallback port that the Service does not have is refused", { skip }, () => {
  const { code, errors } = renderChart("--set", "config.fallback.port=8080");
  assert.equal(code, 1);
  assert.match(errors, /config\.fallback\.port 8080 is not in globalSidecar\.ports/);
});
