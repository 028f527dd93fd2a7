/**
 * Where Python's grpcio is, a peer of the proxy's tests. It comes from PyPI by name
 * (`../install-grpcio.mjs`).
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const GRPCIO_VERSION = "1.76.0";
/** What grpcio imports. */
export const TYPING_EXTENSIONS_VERSION = "4.16.0";

/** The virtual environment that holds it, in an ignored folder. */
export const GRPCIO_FOLDER = fileURLToPath(new URL("../../.tools/grpcio", import.meta.url));

/**
 * A Python that has grpcio, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_GRPCIO_PYTHON` names another Python and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function grpcioPython() {
  const chosen = process.env.FENCELINE_GRPCIO_PYTHON;
  const path = chosen ? chosen : grpcioIn(GRPCIO_FOLDER);
  return path !== undefined && existsSync(path) ? path : undefined;
}

/**
 * The Python of a virtual environment that has the wanted version.
 *
 * @param {string} folder
 * @returns {string | undefined}
 */
export function grpcioIn(folder) {
  const lib = join(folder, "lib");
  if (!existsSync(lib)) return undefined;
  const holds = readdirSync(lib).some((python) => existsSync(join(lib, python, "site-packages", `grpcio-${GRPCIO_VERSION}.dist-info`)));
  return holds ? join(folder, "bin", "python") : undefined;
}
