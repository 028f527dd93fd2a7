import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { grpcioPython } from "./grpcio.ts";
import { runNode } from "./install/fixture.ts";
import { testMissingTool } from "./install/missing-tool.ts";

const SCRIPT = fileURLToPath(new URL("./install-grpcio.mjs", import.meta.url));
const python = grpcioPython();

testMissingTool({
  script: SCRIPT,
  name: "grpcio",
  env: { FENCELINE_GRPCIO_PYTHON: "/nowhere/python" },
  said: "fenceline: no grpcio: FENCELINE_GRPCIO_PYTHON=/nowhere/python does not exist",
  skipped: "; tests with clients and servers of grpcio will be skipped",
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
