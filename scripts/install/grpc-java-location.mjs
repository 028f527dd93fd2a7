/** Where grpc-java's peer is: a client and a server for the tests of the proxy. Its source is beside this file (`grpc-java/`), its jars come from Maven Central. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the source and of the pom.xml that names the jars. */
export const GRPC_JAVA_SOURCE = fileURLToPath(new URL("./grpc-java", import.meta.url));

/** Folder of what is built from this very source, in an ignored place: `classes` and `lib`. */
export const GRPC_JAVA_FOLDER = fileURLToPath(new URL(`../../.tools/grpc-java/${sourceHash()}`, import.meta.url));

function sourceHash() {
  const hash = createHash("sha256");
  for (const file of readdirSync(GRPC_JAVA_SOURCE).sort()) hash.update(`${file}\0`).update(readFileSync(join(GRPC_JAVA_SOURCE, file)));
  return hash.digest("hex").slice(0, 16);
}

/**
 * The folder that holds the peer's classes and jars, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_GRPC_JAVA` names another folder and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function grpcJavaFolder() {
  const chosen = process.env.FENCELINE_GRPC_JAVA;
  const folder = chosen ? chosen : GRPC_JAVA_FOLDER;
  return existsSync(join(folder, "classes")) ? folder : undefined;
}
