import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ENVOY_VERSION, envoyBinary } from "./envoy.ts";
import { runNode } from "./install/fixture.ts";

const SCRIPT = fileURLToPath(new URL("./install-envoy.mjs", import.meta.url));
const envoy = envoyBinary();

test("without an Envoy the script says that tests will be skipped, and passes", async () => {
  const run = await runNode([SCRIPT], { FENCELINE_ENVOY: "/nowhere/envoy", CI: "" });
  assert.deepEqual(run, {
    code: 0,
    output: "fenceline: no Envoy: FENCELINE_ENVOY=/nowhere/envoy does not exist; tests with a real Envoy will be skipped\n",
  });
});

test("in CI a missing Envoy is a failure", async () => {
  const run = await runNode([SCRIPT], { FENCELINE_ENVOY: "/nowhere/envoy", CI: "true" });
  assert.deepEqual(run, { code: 1, output: "fenceline: no Envoy: FENCELINE_ENVOY=/nowhere/envoy does not exist\n" });
});

test("an installed Envoy is the wanted version, and the script is silent", {
  skip: envoy === undefined && "no Envoy on this machine",
}, async () => {
  assert.match(execFileSync(envoy ?? "", ["--version"], { encoding: "utf8" }), new RegExp(`/${ENVOY_VERSION.replaceAll(".", "\\.")}/`));
  assert.deepEqual(await runNode([SCRIPT]), { code: 0, output: "" });
});
