import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { installTool, testMissingTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const HELM = toolPath("helm");

testMissingTool({
  tool: "helm",
  name: "Helm",
  env: { FENCELINE_HELM: "/nowhere/helm" },
  said: "fenceline: no Helm: FENCELINE_HELM=/nowhere/helm does not exist",
  skipped: "; tests of the chart will be skipped",
});

test("a Helm of the user's own is taken, and the script is silent", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "fenceline-helm-"));
  t.after(() => rm(folder, { recursive: true }));
  const own = join(folder, "helm");
  await writeFile(own, "#!/bin/sh\n");
  await chmod(own, 0o755);
  assert.deepEqual(await installTool("helm", { FENCELINE_HELM: own }), { code: 0, output: "" });
});

test("an installed Helm runs, and the script is silent", { skip: HELM === undefined && "no Helm on this machine" }, async () => {
  assert.match(execFileSync(HELM ?? "", ["version", "--template", "{{.Version}}"], { encoding: "utf8" }), /^v4\./);
  assert.deepEqual(await installTool("helm"), { code: 0, output: "" });
});
