import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ENVOY_VERSION, envoyBinary } from "./envoy.ts";
import { runNode } from "./install/fixture.ts";
import { testMissingTool } from "./install/missing-tool.ts";

const SCRIPT = fileURLToPath(new URL("./install-envoy.mjs", import.meta.url));
const envoy = envoyBinary();

testMissingTool({
  script: SCRIPT,
  name: "Envoy",
  env: { FENCELINE_ENVOY: "/nowhere/envoy" },
  said: "fenceline: no Envoy: FENCELINE_ENVOY=/nowhere/envoy does not exist",
  skipped: "; tests with a real Envoy will be skipped",
});

test("an installed Envoy is the wanted version, and the script is silent", {
  skip: envoy === undefined && "no Envoy on this machine",
}, async () => {
  assert.match(execFileSync(envoy ?? "", ["--version"], { encoding: "utf8" }), new RegExp(`/${ENVOY_VERSION.replaceAll(".", "\\.")}/`));
  assert.deepEqual(await runNode([SCRIPT]), { code: 0, output: "" });
});
