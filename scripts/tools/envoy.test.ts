import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { ENVOY_VERSION } from "./envoy.mjs";
import { installTool, testMissingTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const envoy = toolPath("envoy");

testMissingTool({
  tool: "envoy",
  name: "Envoy",
  env: { FENCELINE_ENVOY: "/nowhere/envoy" },
  said: "fenceline: no Envoy: FENCELINE_ENVOY=/nowhere/envoy does not exist",
  skipped: "; tests with a real Envoy will be skipped",
});

test("an installed Envoy is the wanted version, and the script is silent", {
  skip: envoy === undefined && "no Envoy on this machine",
}, async () => {
  assert.match(execFileSync(envoy ?? "", ["--version"], { encoding: "utf8" }), new RegExp(`/${ENVOY_VERSION.replaceAll(".", "\\.")}/`));
  assert.deepEqual(await installTool("envoy"), { code: 0, output: "" });
});
