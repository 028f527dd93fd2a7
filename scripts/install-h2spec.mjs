/**
 * Builds h2spec, the conformance test of HTTP/2 (RFC 9113, RFC 7541) that the proxy's listener is
 * held against, into an ignored folder.
 *
 * h2spec has no go.mod of its own, so that `go install` would take whatever version of its
 * dependencies is the newest: `install/h2spec/go.mod` pins them.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { H2SPEC_FOLDER, H2SPEC_VERSION, h2specBinary } from "./install/h2spec-location.mjs";
import { buildBeside, ensureTool, run } from "./install/tool.mjs";

const MODULE = fileURLToPath(new URL("./install/h2spec", import.meta.url));
const PROGRAM = "github.com/summerwind/h2spec/cmd/h2spec";
const BUILD_TIMEOUT_MS = 15 * 60_000;

ensureTool({
  name: "h2spec",
  variable: "FENCELINE_H2SPEC",
  skipped: "the conformance test of HTTP/2",
  binary: h2specBinary,
  install() {
    if (spawnSync("go", ["version"]).status !== 0) throw new Error("go is not on this machine");
    console.log(`fenceline: building ${PROGRAM}@${H2SPEC_VERSION} into .tools/h2spec`);
    buildBeside(H2SPEC_FOLDER, () => h2specBinary() !== undefined, build);
  },
});

/** @param {string} fresh */
function build(fresh) {
  const { GOOS, GOARCH, ...env } = process.env;
  const args = ["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", join(fresh, "h2spec"), PROGRAM];
  run("go", args, { cwd: MODULE, timeout: BUILD_TIMEOUT_MS, env: { ...env, CGO_ENABLED: "0", GOWORK: "off" } });
}
