import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGo } from "./go-module.mjs";
import { sourceHash } from "./source-hash.mjs";
import { toolFolder, unlessRuns } from "./tool.mjs";

const SOURCE = fileURLToPath(new URL("./peers/grpc-peer", import.meta.url));

/**
 * Clients and servers of grpc-go and Go's net/http that the proxy is held against, built from
 * `peers/grpc-peer`.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const grpcPeer = {
  name: "grpc-peer",
  variable: "FENCELINE_GRPC_PEER",
  skipped: "tests with clients and servers of grpc-go",
  says: "building scripts/tools/peers/grpc-peer into .tools/grpc-peer",
  folder: toolFolder(`grpc-peer/${sourceHash(SOURCE)}`),
  path: (folder) => join(folder, "grpc-peer"),
  missing: () => unlessRuns("go", "version"),
  build: (fresh) => buildGo(SOURCE, ".", join(fresh, "grpc-peer")),
};
