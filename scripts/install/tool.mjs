/**
 * What the install scripts of the tools share: programs of others that some tests run, each in a
 * folder of `.tools` that appears whole or not at all.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

/**
 * @typedef {object} Tool
 * @property {string} name as in a message, for example `nginx`
 * @property {string} variable environment variable that names a binary of the user's own, which
 * wins
 * @property {string} skipped the tests that need it, as the subject of "will be skipped"
 * @property {() => string | undefined} binary where it is, or undefined
 * @property {() => void} install puts it where `binary` looks
 */

/**
 * Installs a tool that is not there. Silent when it is.
 *
 * Where that cannot be done, the tests that need it are skipped, so that a machine without Go or
 * Debian can still run the rest: exit code 0 and one line. With CI=true it is a failure.
 *
 * @param {Tool} tool
 */
export function ensureTool({ name, variable, skipped, binary, install }) {
  try {
    if (binary() !== undefined) return;
    const own = process.env[variable];
    if (own) throw new Error(`${variable}=${own} does not exist`);
    install();
    if (binary() === undefined) throw new Error("what was installed does not hold it");
  } catch (error) {
    const inCi = process.env.CI === "true" || process.env.CI === "1";
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`fenceline: no ${name}: ${reason}${inCi ? "" : `; ${skipped} will be skipped`}`);
    process.exitCode = inCi ? 1 : 0;
  }
}

/**
 * Builds a folder beside its place and moves it there whole, so that a run that is interrupted
 * leaves nothing that looks installed.
 *
 * @param {string} place
 * @param {() => boolean} isThere whether the place holds what is wanted
 * @param {(fresh: string) => void} build fills an empty folder
 */
export function buildBeside(place, isThere, build) {
  mkdirSync(dirname(place), { recursive: true });
  const fresh = mkdtempSync(`${place}.new-`);
  try {
    build(fresh);
    moveInto(fresh, place, isThere);
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
