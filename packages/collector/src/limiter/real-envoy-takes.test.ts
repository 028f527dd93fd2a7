import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { EnvoyFilter } from "@fenceline/api";
import { parseAllDocuments } from "yaml";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { patchedBootstrap } from "../testing/patched-bootstrap.ts";

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: scripts/tools/install.mjs envoy could not install it";
const folder = join(import.meta.dirname, "../../testdata");

/** What a real Envoy says of a configuration; empty when it takes it. */
function faultOf(bootstrap: object): string {
  const place = mkdtempSync(join(tmpdir(), "fenceline-limits-"));
  try {
    const file = join(place, "envoy.json");
    writeFileSync(file, JSON.stringify(bootstrap));
    const { status, stderr } = spawnSync(binary ?? "envoy", ["--mode", "validate", "-c", file, "-l", "error"], { encoding: "utf8" });
    return status === 0 ? "" : stderr;
  } finally {
    rmSync(place, { recursive: true });
  }
}

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
