import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");
/** What the guide has its reader make. */
const TO_BE_MADE = ["charts/fenceline/crds/valves.test.fenceline.io.yaml", "packages/collector/src/valve/valves.ts"];

test("issue 14: every source file that a document names by its path is there, as a whole path or as the end of one", () => {
  const files = execFileSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" }).split("\n");
  const documents = files.filter((file) => file.endsWith(".md"));
  const named = documents.flatMap((document) => {
    const text = readFileSync(join(ROOT, document), "utf8");
    return [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|md|json|yaml))`/g)].map(([, path = ""]) => ({ document, path }));
  });
  assert.ok(named.length > 100, `${named.length} paths are named`);
  const missing = named.filter(
    ({ path }) => !TO_BE_MADE.includes(path) && !files.some((file) => file === path || file.endsWith(`/${path}`)),
  );
  assert.deepEqual(missing, []);
});
