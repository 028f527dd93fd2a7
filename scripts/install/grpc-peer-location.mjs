/** Where grpc-peer is: clients and servers of grpc-go and Go's net/http, for the tests of the proxy. Its source is beside this file (`grpc-peer/`). */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the source. */
export const GRPC_PEER_SOURCE = fileURLToPath(new URL("./grpc-peer", import.meta.url));

/** Folder of what is built from this very source, in an ignored place. */
export const GRPC_PEER_FOLDER = fileURLToPath(new URL(`../../.tools/grpc-peer/${sourceHash()}`, import.meta.url));

function sourceHash() {
  const hash = createHash("sha256");
  for (const file of readdirSync(GRPC_PEER_SOURCE).sort()) hash.update(`${file}\0`).update(readFileSync(join(GRPC_PEER_SOURCE, file)));
  return hash.digest("hex").slice(0, 16);
}

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
