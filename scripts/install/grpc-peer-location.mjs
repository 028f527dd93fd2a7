/**
 * Where grpc-peer is: clients and servers of grpc-go and Go's net/http, for the tests of the proxy.
 * Its source is beside this file (`grpc-peer/`).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceHash } from "./source-hash.mjs";

/** Folder of the source. */
export const GRPC_PEER_SOURCE = fileURLToPath(new URL("./grpc-peer", import.meta.url));

/** Folder of what is built from this very source, in an ignored place. */
export const GRPC_PEER_FOLDER = fileURLToPath(new URL(`../../.tools/grpc-peer/${sourceHash(GRPC_PEER_SOURCE)}`, import.meta.url));

/**
 * The grpc-peer binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_GRPC_PEER` names another binary and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function grpcPeerBinary() {
  const chosen = process.env.FENCELINE_GRPC_PEER;
  const path = chosen ? chosen : join(GRPC_PEER_FOLDER, "grpc-peer");
  return existsSync(path) ? path : undefined;
}
