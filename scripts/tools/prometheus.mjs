import { join } from "node:path";
import { unpackDebian } from "./debian-package.mjs";
import { toolFolder, unlessRuns } from "./tool.mjs";

/**
 * The Prometheus that the client and the collector ask in tests: Debian's package `prometheus`,
 * unpacked.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const prometheus = {
  name: "Prometheus",
  variable: "FENCELINE_PROMETHEUS",
  skipped: "tests with a real Prometheus",
  says: "unpacking Debian's prometheus into .tools/prometheus",
  folder: toolFolder("prometheus"),
  path: (folder) => join(folder, "usr", "bin", "prometheus"),
  missing: () => unlessRuns("apt-get", "--version"),
  build: (fresh) => unpackDebian("prometheus", fresh),
};
