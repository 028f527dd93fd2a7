import { join } from "node:path";
import { run, toolFolder, unlessRuns } from "./tool.mjs";

/** The Helm release that tests and the lab run. */
export const HELM_VERSION = "v4.3.1";
const PACKAGE = `helm.sh/helm/v4/cmd/helm@${HELM_VERSION}`;
/** A cold build on one slow core, with all its modules to fetch. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

/**
 * The Helm of the chart's tests and of the lab: `go install` of the module `helm.sh/helm/v4`.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const helm = {
  name: "Helm",
  variable: "FENCELINE_HELM",
  skipped: "tests of the chart",
  says: `installing ${PACKAGE} into .tools/helm (a few minutes)`,
  folder: toolFolder(`helm/${HELM_VERSION}`),
  path: (folder) => join(folder, "helm"),
  missing: () => unlessRuns("go", "version"),
  build(fresh) {
    // Without cgo no C compiler is needed; without debugging information the binary is a third
    // smaller. GOBIN works for this platform only.
    const { GOOS, GOARCH, ...env } = process.env;
    const args = ["install", "-trimpath", "-ldflags=-s -w", PACKAGE];
    run("go", args, { timeout: BUILD_TIMEOUT_MS, env: { ...env, CGO_ENABLED: "0", GOBIN: fresh } });
  },
};
