/**
 * Where the nginx that the proxy is compared with is. It is Debian's package `nginx`
 * (`../install-nginx.mjs`).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The unpacked package, in an ignored folder. */
export const NGINX_FOLDER = fileURLToPath(new URL("../../.tools/nginx", import.meta.url));

/**
 * The nginx binary, or undefined when there is none: tests then say so and are skipped.
 * `FENCELINE_NGINX` names another binary and wins, also when it does not exist.
 *
 * @returns {string | undefined}
 */
export function nginxBinary() {
  const chosen = process.env.FENCELINE_NGINX;
  const path = chosen ? chosen : join(NGINX_FOLDER, "usr", "sbin", "nginx");
  return existsSync(path) ? path : undefined;
}
