import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run, toolFolder, unlessRuns } from "./tool.mjs";

export const GRPCIO_VERSION = "1.76.0";
/** The second is what grpcio imports. */
const PACKAGES = [`grpcio==${GRPCIO_VERSION}`, "typing-extensions==4.16.0"];
const PIP_TIMEOUT_MS = 5 * 60_000;

/**
 * A Python with grpcio, a gRPC client and server that the proxy is held against, from PyPI.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const grpcio = {
  name: "grpcio",
  variable: "FENCELINE_GRPCIO_PYTHON",
  skipped: "tests with clients and servers of grpcio",
  says: `installing ${PACKAGES[0]} from PyPI into .tools/grpcio`,
  folder: toolFolder("grpcio"),
  path: pythonIn,
  missing: () => unlessRuns("python3", "--version"),
  build(fresh) {
    const options = { timeout: PIP_TIMEOUT_MS };
    // Only wheels: grpcio's source takes many minutes to compile.
    const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    run("python3", ["-m", "venv", fresh], options);
    run(join(fresh, "bin", "python"), ["-m", "pip", "install", ...flags, ...PACKAGES], options);
  },
};

/**
 * The Python of a virtual environment that has the wanted version. Of one that has another, a place
 * that is never there.
 *
 * @param {string} folder
 */
function pythonIn(folder) {
  const lib = join(folder, "lib");
  const pythons = existsSync(lib) ? readdirSync(lib) : [];
  const holds = pythons.some((python) => existsSync(join(lib, python, "site-packages", `grpcio-${GRPCIO_VERSION}.dist-info`)));
  return join(folder, "bin", holds ? "python" : `python-with-grpcio-${GRPCIO_VERSION}`);
}
