import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";

const ROOT = join(import.meta.dirname, "..");

/** Names of the rules that these files break. */
function broken(t: TestContext, files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-structure-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const folders = [...new Set(Object.keys(files).map((name) => name.split("/")[0] ?? ""))];
  const tool = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const rules = join(ROOT, ".dependency-cruiser.mjs");
  const { stdout, stderr } = spawnSync(process.execPath, [tool, "--config", rules, "--output-type", "json", ...folders], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.notEqual(stdout, "", stderr);
  const { summary } = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } };
  return summary.violations.map(({ rule }) => rule.name);
}

test("a package that imports one above it is told, for a type too", (t) => {
  const files = {
    "packages/api/src/a.ts": 'import type { B } from "../../store/src/b.ts";\nexport type A = B;\n',
    "packages/store/src/b.ts": "export type B = string;\n",
  };
  assert.deepEqual(broken(t, files), ["api-imports"]);
});

test("a circle is told, of types too", (t) => {
  const files = {
    "packages/api/src/a.ts": 'import type { B } from "./b.ts";\nexport type A = B;\n',
    "packages/api/src/b.ts": 'import type { A } from "./a.ts";\nexport type B = A;\n',
  };
  assert.deepEqual([...new Set(broken(t, files))], ["no-circle"]);
});

test("I/O in a pure package is told, and none in a test", (t) => {
  const reads = 'import { readFileSync } from "node:fs";\nexport const text = readFileSync("x", "utf8");\n';
  assert.deepEqual(broken(t, { "packages/edges/src/a.ts": reads, "packages/edges/src/a.test.ts": reads }), ["pure-packages"]);
});

test("code for tests alone, imported by what runs, is told", (t) => {
  const files = {
    "packages/als/src/a.ts": 'export { B } from "./testing/b.ts";\n',
    "packages/als/src/testing/b.ts": "export const B = 1;\n",
  };
  assert.deepEqual(broken(t, files), ["no-test-code"]);
});

test("issue 14: a package that imports the chart, an image or a script is told, and one of these that looks into a package", (t) => {
  const inside = 'export { C } from "../../packages/als/src/c.ts";\n';
  const files = {
    "packages/als/src/a.ts": 'export { B } from "../../../scripts/b.ts";\n',
    "packages/als/src/a.test.ts": 'import { B } from "../../../scripts/b.ts";\nexport const A = B;\n',
    "packages/als/src/c.ts": "export const C = 1;\n",
    "packages/als/src/index.ts": 'export { C } from "./c.ts";\n',
    "scripts/b.ts": 'export { C as B } from "../packages/als/src/index.ts";\n',
    "scripts/d.ts": inside.replace("../../", "../"),
    "charts/src/e.ts": inside,
    "docker/demo/f.ts": inside,
  };
  assert.deepEqual(broken(t, files).sort(), ["charts-imports", "docker-imports", "product-imports-itself", "scripts-imports"]);
});
