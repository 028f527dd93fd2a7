import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { EnvoyFilter } from "@fenceline/api";
import { parseAllDocuments } from "yaml";
import { faultOf, withoutEnvoy as skip } from "../testing/envoy-judgement.ts";
import { patchedBootstrap } from "../testing/patched-bootstrap.ts";

const folder = join(import.meta.dirname, "../../testdata");

for (const file of globSync("limiter-*.out.yaml", { cwd: folder })) {
  const filters = parseAllDocuments(readFileSync(join(folder, file), "utf8"))
    .map((document) => document.toJS() as EnvoyFilter)
    .filter(({ kind }) => kind === "EnvoyFilter");
  if (filters.length > 0)
    test(`issue 17: a real Envoy takes what ${file} has`, { skip }, () => {
      for (const filter of filters) assert.equal(faultOf(patchedBootstrap(filter)), "", filter.metadata.name);
    });
}

test("issue 17: what Envoy does not take is told", { skip }, () => {
  const [document] = parseAllDocuments(readFileSync(join(folder, "limiter-average.out.yaml"), "utf8"));
  const broken = JSON.parse(JSON.stringify(document?.toJS()).replaceAll("shadow_mode", "no_such_field")) as EnvoyFilter;
  assert.match(faultOf(patchedBootstrap(broken)), /no_such_field/);
});
