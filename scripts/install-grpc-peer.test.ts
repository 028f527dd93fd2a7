import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { grpcPeerBinary } from "./grpc-peer.ts";
import { runNode } from "./install/fixture.ts";
import { testMissingTool } from "./install/missing-tool.ts";

const SCRIPT = fileURLToPath(new URL("./install-grpc-peer.mjs", import.meta.url));
const binary = grpcPeerBinary();

testMissingTool({
  script: SCRIPT,
  name: "grpc-peer",
  env: { FENCELINE_GRPC_PEER: "/nowhere/grpc-peer" },
  said: "fenceline: no grpc-peer: FENCELINE_GRPC_PEER=/nowhere/grpc-peer does not exist",
  skipped: "; tests with clients and servers of grpc-go will be skipped",
});

test("an installed grpc-peer runs, and the script is silent", {
  skip: binary === undefined && "no grpc-peer on this machine",
}, async () => {
  assert.match(spawnSync(binary ?? "", [], { encoding: "utf8" }).stderr, /^usage: grpc-peer /);
  assert.deepEqual(await runNode([SCRIPT]), { code: 0, output: "" });
});

test("the source of grpc-peer is formatted", { skip: spawnSync("gofmt", ["-h"]).error !== undefined && "no Go on this machine" }, () => {
  assert.equal(execFileSync("gofmt", ["-l", fileURLToPath(new URL("./install/grpc-peer", import.meta.url))], { encoding: "utf8" }), "");
});
