/** Runs `npm ci` from inside an `npm run`, as if it had been typed at a prompt. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, delimiter, dirname, join, sep } from "node:path";

/**
 * What an outer `npm run` was told about *where and how to fetch* holds for the inner npm too.
 * Everything else it exports does not: with `npm start --dry-run` or `npm test -w als` the inner
 * npm would install nothing, or a part.
 */
const FETCH_SETTINGS =
  /^npm_config_(?:\/\/.*|@.*|registry|cache|userconfig|globalconfig|proxy|https?_proxy|noproxy|ca|cafile|cert|key|strict_ssl|offline|prefer_offline|prefer_online|fetch_.*|maxsockets)$/i;

/**
 * Named one by one since the user's environment or .npmrc may say otherwise: NODE_ENV=production
 * leaves out dev dependencies, and with them Node itself. Errors only, because the caller has
 * already said what is going on.
 */
const ARGUMENTS = ["ci", "--include=dev", "--include=optional", "--bin-links=true", "--no-audit", "--no-fund", "--loglevel=error"];

/**
 * Installs exactly what package-lock.json says. npm's own messages go to this process' standard
 * error.
 *
 * @param {string} root project folder
 * @returns {Promise<void>} rejects when npm cannot be started or fails
 */
export function npmCi(root) {
  const env = promptEnvironment(process.env, root);
  const { command, prefix } = npmCommand(process.env.npm_execpath);
  return new Promise((resolve, reject) => {
    // npm's summary ("added 92 packages") is of no use to the reader; its errors are.
    const child = spawn(command, [...prefix, ...ARGUMENTS], { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", (error) => reject(new Error(`cannot start npm: ${error.message}`)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ci failed (${signal ?? `exit code ${code}`}); see its messages above`));
    });
  });
}

/**
 * The environment without what `npm run` added to it.
 *
 * @param {NodeJS.ProcessEnv} outer
 * @param {string} root
 * @returns {NodeJS.ProcessEnv}
 */
export function promptEnvironment(outer, root) {
  const kept = Object.entries(outer).filter(([name]) => !/^(?:npm_|INIT_CWD$)/i.test(name) || FETCH_SETTINGS.test(name));
  const env = Object.fromEntries(kept);
  // `npm ci` deletes node_modules, so nothing on its way may run from there: neither npm's Node nor
  // that of the packages' install scripts.
  const path = (outer.PATH ?? "").split(delimiter).filter((folder) => !inside(folder, join(root, "node_modules")));
  const node = outsideNode(outer, root);
  env.PATH = [...(node === undefined ? [] : [dirname(node)]), ...path].join(delimiter);
  return env;
}

/**
 * @param {NodeJS.ProcessEnv} outer
 * @param {string} root
 */
function outsideNode(outer, root) {
  const candidates = [outer.npm_node_execpath, process.execPath];
  return candidates.find((file) => file !== undefined && existsSync(file) && !inside(file, join(root, "node_modules")));
}

/**
 * The npm that called us, by its own script file; else whichever npm is on the PATH.
 *
 * @param {string | undefined} script
 */
function npmCommand(script) {
  if (script !== undefined && basename(script) === "npm-cli.js" && existsSync(script)) return { command: "node", prefix: [script] };
  return { command: "npm", prefix: [] };
}

/**
 * @param {string} path
 * @param {string} folder
 */
function inside(path, folder) {
  return path === folder || path.startsWith(folder + sep);
}
