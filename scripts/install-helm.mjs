/**
 * Installs the Helm that the tests of the chart run: `go install` of the module `helm.sh/helm/v4`, into an ignored folder.
 *
 * Without it those tests are skipped, so a machine without Go can still run the rest: exit code 0 and one line. With CI=true that is a failure.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { HELM_FOLDER, HELM_VERSION, helmBinary } from "./install/helm-location.mjs";

const PACKAGE = `helm.sh/helm/v4/cmd/helm@${HELM_VERSION}`;
/** A cold build on one slow core, with all its modules to fetch. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

try {
  if (helmBinary() === undefined) install();
} catch (error) {
  const inCi = process.env.CI === "true" || process.env.CI === "1";
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`fenceline: no Helm: ${reason}${inCi ? "" : "; tests of the chart will be skipped"}`);
  process.exitCode = inCi ? 1 : 0;
}

function install() {
  if (process.env.FENCELINE_HELM) throw new Error(`FENCELINE_HELM=${process.env.FENCELINE_HELM} does not exist`);
  if (spawnSync("go", ["version"]).status !== 0) throw new Error("go is not on this machine");
  console.log(`fenceline: installing ${PACKAGE} into .tools/helm (a few minutes)`);
  mkdirSync(dirname(HELM_FOLDER), { recursive: true });
  // Built beside its place and moved there whole, so that a run that is interrupted leaves nothing that looks installed.
  const fresh = mkdtempSync(join(dirname(HELM_FOLDER), "new-"));
  try {
    goInstall(fresh);
    moveInto(fresh, HELM_FOLDER);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function goInstall(folder) {
  // Without cgo no C compiler is needed; without debugging information the binary is a third smaller. GOBIN works for this platform only.
  const { GOOS, GOARCH, ...env } = process.env;
  const args = ["install", "-trimpath", "-ldflags=-s -w", PACKAGE];
  const child = spawnSync("go", args, { encoding: "utf8", timeout: BUILD_TIMEOUT_MS, env: { ...env, CGO_ENABLED: "0", GOBIN: folder } });
  if (child.status === 0 && existsSync(join(folder, "helm"))) return;
  const lines = (child.stderr ?? "").trim().split("\n");
  throw new Error(`go install ${PACKAGE} failed: ${child.error?.message ?? lines.at(-1)}`);
}

/**
 * @param {string} fresh
 * @param {string} place
 */
function moveInto(fresh, place) {
  try {
    renameSync(fresh, place);
  } catch (error) {
    // A second install was faster, and its result is as good as ours.
    if (helmBinary() === undefined) throw error;
  }
}
