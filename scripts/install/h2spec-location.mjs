/**
 * Where h2spec is, the conformance test of HTTP/2. It comes from the Go module proxy by name
 * (`../install-h2spec.mjs`).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const H2SPEC_VERSION = "v2.2.1";

/** Folder of this version, in an ignored place. */
export const H2SPEC_FOLDER = fileURLToPath(new URL(`../../.tools/h2spec/${H2SPEC_VERSION}`, import.meta.url));

/**
 * The h2spec binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_H2SPEC` names another binary and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function h2specBinary() {
  const chosen = process.env.FENCELINE_H2SPEC;
  const path = chosen ? chosen : join(H2SPEC_FOLDER, "h2spec");
  return existsSync(path) ? path : undefined;
}
