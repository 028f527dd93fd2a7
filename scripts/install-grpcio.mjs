/**
 * Installs Python's grpcio, a gRPC client and server that the proxy is held against, from PyPI into
 * an ignored folder.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { GRPCIO_FOLDER, GRPCIO_VERSION, grpcioIn, grpcioPython, TYPING_EXTENSIONS_VERSION } from "./install/grpcio-location.mjs";
import { buildBeside, ensureTool, run } from "./install/tool.mjs";

const PACKAGES = [`grpcio==${GRPCIO_VERSION}`, `typing-extensions==${TYPING_EXTENSIONS_VERSION}`];
const PIP_TIMEOUT_MS = 5 * 60_000;

ensureTool({
  name: "grpcio",
  variable: "FENCELINE_GRPCIO_PYTHON",
  skipped: "tests with clients and servers of grpcio",
  binary: grpcioPython,
  install() {
    if (spawnSync("python3", ["--version"]).status !== 0) throw new Error("python3 is not on this machine");
    console.log(`fenceline: installing ${PACKAGES[0]} from PyPI into .tools/grpcio`);
    buildBeside(GRPCIO_FOLDER, () => grpcioIn(GRPCIO_FOLDER) !== undefined, build);
  },
});

/** @param {string} fresh */
function build(fresh) {
  const options = { timeout: PIP_TIMEOUT_MS };
  // Only wheels: grpcio's source takes many minutes to compile.
  const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
  run("python3", ["-m", "venv", fresh], options);
  run(join(fresh, "bin", "python"), ["-m", "pip", "install", ...flags, ...PACKAGES], options);
}
