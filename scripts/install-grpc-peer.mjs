/**
 * Builds grpc-peer, the clients and servers of grpc-go and Go's net/http that the proxy is held
 * against, into an ignored folder.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { GRPC_PEER_FOLDER, GRPC_PEER_SOURCE, grpcPeerBinary } from "./install/grpc-peer-location.mjs";
import { buildBeside, ensureTool, run } from "./install/tool.mjs";

const BUILD_TIMEOUT_MS = 15 * 60_000;

ensureTool({
  name: "grpc-peer",
  variable: "FENCELINE_GRPC_PEER",
  skipped: "tests with clients and servers of grpc-go",
  binary: grpcPeerBinary,
  install() {
    if (spawnSync("go", ["version"]).status !== 0) throw new Error("go is not on this machine");
    console.log("fenceline: building scripts/install/grpc-peer into .tools/grpc-peer");
    buildBeside(GRPC_PEER_FOLDER, () => grpcPeerBinary() !== undefined, build);
  },
});

/** @param {string} fresh */
function build(fresh) {
  const { GOOS, GOARCH, ...env } = process.env;
  const args = ["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", join(fresh, "grpc-peer"), "."];
  run("go", args, { cwd: GRPC_PEER_SOURCE, timeout: BUILD_TIMEOUT_MS, env: { ...env, CGO_ENABLED: "0", GOWORK: "off" } });
}
