import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { installTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const TOOLS = [
  {
    name: "nginx",
    variable: "FENCELINE_NGINX",
    skipped: "the comparison with nginx and Envoy",
    binary: toolPath("nginx"),
    version: ["-v"],
  },
  {
    name: "h2spec",
    variable: "FENCELINE_H2SPEC",
    skipped: "the conformance test of HTTP/2",
    binary: toolPath("h2spec"),
    version: ["--version"],
  },
];

for (const { name, variable, skipped, binary, version } of TOOLS) {
  test(`without ${name} its install says what will be skipped and passes; in CI it fails`, async () => {
    const fault = `fenceline: no ${name}: ${variable}=/nowhere/it does not exist`;
    const anywhere = await installTool(name, { [variable]: "/nowhere/it", CI: "" });
    assert.deepEqual(anywhere, { code: 0, output: `${fault}; ${skipped} will be skipped\n` });
    assert.deepEqual(await installTool(name, { [variable]: "/nowhere/it", CI: "true" }), { code: 1, output: `${fault}\n` });
  });

  test(`an installed ${name} runs, and its install is silent`, { skip: binary === undefined && `no ${name} on this machine` }, async () => {
    execFileSync(binary ?? "", version, { stdio: "ignore" });
    assert.deepEqual(await installTool(name), { code: 0, output: "" });
  });
}
