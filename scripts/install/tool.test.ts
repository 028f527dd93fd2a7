import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { h2specBinary } from "../h2spec.ts";
import { nginxBinary } from "../nginx.ts";
import { runNode } from "./fixture.ts";

const TOOLS = [
  { name: "nginx", variable: "FENCELINE_NGINX", skipped: "the comparison with nginx and Envoy", binary: nginxBinary(), version: ["-v"] },
  {
    name: "h2spec",
    variable: "FENCELINE_H2SPEC",
    skipped: "the conformance test of HTTP/2",
    binary: h2specBinary(),
    version: ["--version"],
  },
];

for (const { name, variable, skipped, binary, version } of TOOLS) {
  const script = fileURLToPath(new URL(`../install-${name}.mjs`, import.meta.url));

  test(`without ${name} its script says what will be skipped and passes; in CI it fails`, async () => {
    const fault = `fenceline: no ${name}: ${variable}=/nowhere/it does not exist`;
    const anywhere = await runNode([script], { [variable]: "/nowhere/it", CI: "" });
    assert.deepEqual(anywhere, { code: 0, output: `${fault}; ${skipped} will be skipped\n` });
    assert.deepEqual(await runNode([script], { [variable]: "/nowhere/it", CI: "true" }), { code: 1, output: `${fault}\n` });
  });

  test(`an installed ${name} runs, and its script is silent`, { skip: binary === undefined && `no ${name} on this machine` }, async () => {
    execFileSync(binary ?? "", version, { stdio: "ignore" });
    assert.deepEqual(await runNode([script]), { code: 0, output: "" });
  });
}
