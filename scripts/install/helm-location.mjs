/**
 * Where the Helm that tests run is. It comes from the Go module proxy by name
 * (`../install-helm.mjs`).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const HELM_VERSION = "v4.3.1";

/** Folder of this version, in an ignored place. It appears whole or not at all. */
export const HELM_FOLDER = fileURLToPath(new URL(`../../.tools/helm/${HELM_VERSION}`, import.meta.url));

/**
 * The Helm binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_HELM` names another binary and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function helmBinary() {
  const chosen = process.env.FENCELINE_HELM;
  const path = chosen ? chosen : join(HELM_FOLDER, "helm");
  return existsSync(path) ? path : undefined;
}
