/**
 * A tool: a program of others that some tests run, in a folder of `.tools` that appears whole or
 * not at all.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Tool
 * @property {string} name as in a message, for example `nginx`
 * @property {string} variable environment variable that names one of the user's own, which wins,
 * also when it does not exist
 * @property {string} skipped the tests that need it, as the subject of "will be skipped"
 * @property {string} says what an install does, as in "installing … into .tools/helm"
 * @property {string} folder where it is installed
 * @property {(folder: string) => string} path the program in a folder
 * @property {(path: string) => boolean} [isWhole] whether the path holds what is wanted. Default:
 * it exists
 * @property {() => string | undefined} missing what an install needs and this machine has not
 * @property {boolean} [isOptional] whether what is missing is no failure, on CI neither
 * @property {(fresh: string) => void} build fills an empty folder
 */

/**
 * A path below the project's ignored folder for tools.
 *
 * @param {string} name
 */
export function toolFolder(name) {
  return fileURLToPath(new URL(`../../.tools/${name}`, import.meta.url));
}

/**
 * Where a tool is, or undefined when there is none: tests then say so and are skipped.
 *
 * @param {Tool} tool
 * @returns {string | undefined}
 */
export function locate({ variable, folder, path, isWhole = existsSync }) {
  const found = process.env[variable] || path(folder);
  return isWhole(found) ? found : undefined;
}

/**
 * Installs a tool that is not there. Silent when it is.
 *
 * Where that cannot be done, the tests that need it are skipped, so that a machine without Go or
 * Debian can still run the rest: exit code 0 and one line. With CI=true it is a failure.
 *
 * @param {Tool} tool
 */
export function ensureTool(tool) {
  let isFailure = process.env.CI === "true" || process.env.CI === "1";
  try {
    if (locate(tool) !== undefined) return;
    const own = process.env[tool.variable];
    if (own) throw new Error(`${tool.variable}=${own} does not exist`);
    const missing = tool.missing();
    if (missing !== undefined) {
      isFailure &&= tool.isOptional !== true;
      throw new Error(`${missing} is not on this machine`);
    }
    console.log(`fenceline: ${tool.says}`);
    buildBeside(tool);
    if (locate(tool) === undefined) throw new Error("what was installed does not hold it");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`fenceline: no ${tool.name}: ${reason}${isFailure ? "" : `; ${tool.skipped} will be skipped`}`);
    if (isFailure) process.exitCode = 1;
  }
}

/**
 * Builds a folder beside its place and moves it there whole, so that a run that is interrupted
 * leaves nothing that looks installed.
 *
 * @param {Tool} tool
 */
function buildBeside(tool) {
  mkdirSync(dirname(tool.folder), { recursive: true });
  const fresh = mkdtempSync(`${tool.folder}.new-`);
  try {
    tool.build(fresh);
    moveInto(fresh, tool.folder, () => locate(tool) !== undefined);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/**
 * @param {string} fresh
 * @param {string} place
 * @param {() => boolean} isThere
 */
function moveInto(fresh, place, isThere) {
  const old = `${fresh}.old`;
  // Another version, or an incomplete folder; unless a second install was faster and its result is
  // as good as ours.
  if (isThere()) return;
  if (existsSync(place)) renameSync(place, old);
  try {
    renameSync(fresh, place);
  } catch (error) {
    if (!isThere()) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

/**
 * For `missing`: the command unless it runs here.
 *
 * @param {string} command
 * @param {string[]} args
 */
export function unlessRuns(command, ...args) {
  return spawnSync(command, args).status === 0 ? undefined : command;
}

/**
 * Runs a command to its end. Throws its last line when it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout: number }} options timeout in
 * milliseconds
 */
export function run(command, args, options) {
  const child = spawnSync(command, args, { encoding: "utf8", ...options });
  if (child.status === 0) return;
  const lines = `${child.stderr ?? ""}${child.stdout ?? ""}`.trim().split("\n");
  throw new Error(`${command} ${args.slice(0, 3).join(" ")} failed: ${child.error?.message ?? lines.at(-1)}`);
}
