/** Whether node_modules is what package-lock.json asks for. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean }}
 * LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages keyed by folder, for example
 * `node_modules/undici`
 */

/**
 * Why node_modules does not fit the lock file, in words for a person; undefined when it fits.
 *
 * The truth is npm's own `node_modules/.package-lock.json`, which npm writes last and which lists
 * what it really installed. So the folder of a developer who ran `npm install` is accepted, and one
 * left behind by an interrupted install is not.
 *
 * @param {string} root project folder
 * @returns {string | undefined}
 */
export function whyStale(root) {
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(join(root, "node_modules"))) return "node_modules is missing";
  if (!existsSync(hidden)) return "node_modules is incomplete";
  const locked = readPackages(join(root, "package-lock.json"));
  const installed = readPackages(hidden);
  for (const [folder, wanted] of Object.entries(locked)) {
    const reason = folder.startsWith("node_modules/") ? packageDiffers(root, folder, wanted, installed[folder]) : undefined;
    if (reason !== undefined) return reason;
  }
  return nodeDiffers(root, locked["node_modules/node"]);
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {LockedPackage} wanted
 * @param {LockedPackage | undefined} found
 */
function packageDiffers(root, folder, wanted, found) {
  // npm leaves out optional packages that are made for another platform, and only those are
  // optional here.
  if (found === undefined) return wanted.optional === true ? undefined : `${folder} is not installed`;
  // Without a hash in the lock file (see complete-lock.mjs) npm takes the registry's.
  const isOther = wanted.integrity !== undefined && found.integrity !== wanted.integrity;
  if (found.version !== wanted.version || isOther) return `${folder} is not the locked version`;
  return existsSync(join(root, folder, "package.json")) ? undefined : `${folder} is gone`;
}

/**
 * The npm package `node` is the run time itself, put in place by an install script. Running it is
 * the only proof that the script was allowed to run, and that node_modules was not copied here from
 * another kind of machine.
 *
 * @param {string} root
 * @param {LockedPackage | undefined} wanted
 */
function nodeDiffers(root, wanted) {
  if (wanted === undefined) return undefined;
  const binary = join(root, "node_modules", ".bin", "node");
  const version = nodeVersion(binary);
  return version === `v${wanted.version}` ? undefined : `node_modules/.bin/node is ${version ?? "not runnable"}, wanted v${wanted.version}`;
}

/** @param {string} binary */
function nodeVersion(binary) {
  if (!existsSync(binary)) return undefined;
  if (realpathSync(binary) === realpathSync(process.execPath)) return process.version;
  const run = spawnSync(binary, ["--version"], { encoding: "utf8", timeout: 30_000 });
  return run.status === 0 ? run.stdout.trim() : undefined;
}

/**
 * @param {string} file
 * @returns {LockedPackages}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
  } catch (error) {
    // A half-written hidden lock file is a reason to install; a broken package-lock.json is
    // reported by `npm ci` itself, with its position.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
