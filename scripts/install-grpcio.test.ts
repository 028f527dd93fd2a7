import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { grpcioPython } from "./grpcio.ts";
import { runNode } from "./install/fixture.ts";

const SCRIPT = fileURLToPath(new URL("./install-grpcio.mjs", import.meta.url));
const python = grpcioPython();

test("without a grpcio the script says which tests will be skipped, and passes", async () => {
  const run = await runNode([SCRIPT], { FENCELINE_GRPCIO_PYTHON: "/nowhere/python", CI: "" });
  assert.deepEqual(run, {
    code: 0,
    output:
      "fenceline: no grpcio: FENCELINE_GRPCIO_PYTHON=/nowhere/python does not exist; tests with clients and servers of grpcio will be skipped\n",
  });
});

test("in CI a missing grpcio is a failure", async () => {
  const run = await runNode([SCRIPT], { FENCELINE_GRPCIO_PYTHON: "/nowhere/python", CI: "true" });
  assert.deepEqual(run, { code: 1, output: "fenceline: no grpcio: FENCELINE_GRPCIO_PYTHON=/nowhere/python does not exist\n" });
});

test("an installed grpcio is of the version that the script names, and the script is silent", {
  skip: python === undefined && "no grpcio on this machine",
}, async () => {
  const { GRPCIO_VERSION } = (await import(new URL("./install/grpcio-location.mjs", import.meta.url).href)) as { GRPCIO_VERSION: string };
  const version = execFileSync(python ?? "", ["-c", "import grpc; print(grpc.__version__)"], { encoding: "utf8" }).trim();
  // A Python of the user's own may have another.
  if (process.env.FENCELINE_GRPCIO_PYTHON === undefined) assert.equal(version, GRPCIO_VERSION);
  assert.deepEqual(await runNode([SCRIPT]), { code: 0, output: "" });
});
