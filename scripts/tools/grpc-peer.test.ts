import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { installTool, testMissingTool } from "./missing-tool.ts";
import { toolPath } from "./tools.mjs";

const binary = toolPath("grpc-peer");

testMissingTool({
  tool: "grpc-peer",
  name: "grpc-peer",
  env: { FENCELINE_GRPC_PEER: "/nowhere/grpc-peer" },
  said: "fenceline: no grpc-peer: FENCELINE_GRPC_PEER=/nowhere/grpc-peer does not exist",
  skipped: "; tests with clients and servers of grpc-go will be skipped",
});

test("an installed grpc-peer runs, and the script is silent", {
  skip: binary === undefined && "no grpc-peer on this machine",
}, async () => {
  assert.match(spawnSync(binary ?? "", [], { encoding: "utf8" }).stderr, /^usage: grpc-peer /);
  assert.deepEqual(await installTool("grpc-peer"), { code: 0, output: "" });
});

test("the source of grpc-peer is formatted", { skip: spawnSync("gofmt", ["-h"]).error !== undefined && "no Go on this machine" }, () => {
  assert.equal(execFileSync("gofmt", ["-l", fileURLToPath(new URL("./peers/grpc-peer", import.meta.url))], { encoding: "utf8" }), "");
});
