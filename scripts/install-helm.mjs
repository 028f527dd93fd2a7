/**
 * Installs the Helm that the tests of the chart run: `go install` of the module `helm.sh/helm/v4`,
 * into an ignored folder.
 */
import { spawnSync } from "node:child_process";
import { HELM_FOLDER, HELM_VERSION, helmBinary } from "./install/helm-location.mjs";
import { buildBeside, ensureTool, run } from "./install/tool.mjs";

const PACKAGE = `helm.sh/helm/v4/cmd/helm@${HELM_VERSION}`;
/** A cold build on one slow core, with all its modules to fetch. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

ensureTool({
  name: "Helm",
  variable: "FENCELINE_HELM",
  skipped: "tests of the chart",
  binary: helmBinary,
  install() {
    if (spawnSync("go", ["version"]).status !== 0) throw new Error("go is not on this machine");
    console.log(`fenceline: installing ${PACKAGE} into .tools/helm (a few minutes)`);
    buildBeside(HELM_FOLDER, () => helmBinary() !== undefined, build);
  },
});

/** @param {string} fresh */
function build(fresh) {
  // Without cgo no C compiler is needed; without debugging information the binary is a third
  // smaller. GOBIN works for this platform only.
  const { GOOS, GOARCH, ...env } = process.env;
  const args = ["install", "-trimpath", "-ldflags=-s -w", PACKAGE];
  run("go", args, { timeout: BUILD_TIMEOUT_MS, env: { ...env, CGO_ENABLED: "0", GOBIN: fresh } });
}
