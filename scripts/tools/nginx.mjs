import { join } from "node:path";
import { unpackDebian } from "./debian-package.mjs";
import { toolFolder, unlessRuns } from "./tool.mjs";

/**
 * The nginx that the proxy is compared with: Debian's package `nginx`, unpacked.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const nginx = {
  name: "nginx",
  variable: "FENCELINE_NGINX",
  skipped: "the comparison with nginx and Envoy",
  says: "unpacking Debian's nginx into .tools/nginx",
  folder: toolFolder("nginx"),
  path: (folder) => join(folder, "usr", "sbin", "nginx"),
  missing: () => unlessRuns("apt-get", "--version"),
  build: (fresh) => unpackDebian("nginx", fresh),
};
