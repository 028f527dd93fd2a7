/**
 * Where grpc-java's peer is: a client and a server for the tests of the proxy. Its source is beside
 * this file (`grpc-java/`), its jars come from Maven Central.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceHash } from "./source-hash.mjs";

/** Folder of the source and of the pom.xml that names the jars. */
export const GRPC_JAVA_SOURCE = fileURLToPath(new URL("./grpc-java", import.meta.url));

/** Folder of what is built from this very source, in an ignored place: `classes` and `lib`. */
export const GRPC_JAVA_FOLDER = fileURLToPath(new URL(`../../.tools/grpc-java/${sourceHash(GRPC_JAVA_SOURCE)}`, import.meta.url));

/**
 * The folder that holds the peer's classes and jars, or undefined when there is none: tests then
 * say so and are skipped. `FENCELINE_GRPC_JAVA` names another folder and wins, also when it does
 * not exist.
 *
 * @returns {string | undefined}
 */
export function grpcJavaFolder() {
  const chosen = process.env.FENCELINE_GRPC_JAVA;
  const folder = chosen ? chosen : GRPC_JAVA_FOLDER;
  return existsSync(join(folder, "classes")) ? folder : undefined;
}
