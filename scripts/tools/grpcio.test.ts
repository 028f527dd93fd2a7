import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { GRPCIO_VERSION } from "./grpcio.mjs";
import { installTool, testMissingTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const python = toolPath("grpcio");

testMissingTool({
  tool: "grpcio",
  name: "grpcio",
  env: { FENCELINE_GRPCIO_PYTHON: "/nowhere/python" },
  said: "fenceline: no grpcio: FENCELINE_GRPCIO_PYTHON=/nowhere/python does not exist",
  skipped: "; tests with clients and servers of grpcio will be skipped",
});

test("an installed grpcio is of the version that the script names, and the script is silent", {
  skip: python === undefined && "no grpcio on this machine",
}, async () => {
  const version = execFileSync(python ?? "", ["-c", "import grpc; print(grpc.__version__)"], { encoding: "utf8" }).trim();
  // A Python of the user's own may have another.
  if (process.env.FENCELINE_GRPCIO_PYTHON === undefined) assert.equal(version, GRPCIO_VERSION);
  assert.deepEqual(await installTool("grpcio"), { code: 0, output: "" });
});
