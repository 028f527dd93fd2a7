import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { installTool, testMissingTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const prometheus = toolPath("prometheus");

testMissingTool({
  tool: "prometheus",
  name: "Prometheus",
  env: { FENCELINE_PROMETHEUS: "/nowhere/prometheus" },
  said: "fenceline: no Prometheus: FENCELINE_PROMETHEUS=/nowhere/prometheus does not exist",
  skipped: "; tests with a real Prometheus will be skipped",
});

test("an installed Prometheus runs, and the script is silent", {
  skip: prometheus === undefined && "no Prometheus on this machine",
}, async () => {
  assert.match(execFileSync(prometheus ?? "", ["--version"], { encoding: "utf8" }), /^prometheus, version [23]\./);
  assert.deepEqual(await installTool("prometheus"), { code: 0, output: "" });
});
