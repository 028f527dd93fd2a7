/**
 * Makes a fresh clone runnable: `npm start`, `npm test` and `npm run check` call this first.
 *
 * It is plain JavaScript without dependencies, because it runs before anything is installed, on
 * whatever Node the machine has (20 or later). Silent when node_modules already is what
 * package-lock.json asks for; otherwise one line, then `npm ci`.
 *
 * Usage: node scripts/install.mjs [project folder]
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./install/lock.mjs";
import { npmCi } from "./install/npm.mjs";
import { whyStale } from "./install/stale.mjs";

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));

try {
  await install(root);
} catch (error) {
  console.error(`fenceline: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** @param {string} root */
async function install(root) {
  if (!existsSync(join(root, "package-lock.json"))) throw new Error(`no package-lock.json in ${root}: is this a complete clone?`);
  if (whyStale(root) === undefined) return;
  await withLock(join(root, ".tools", "install.lock"), async () => {
    // Asked again inside the lock: whoever held it before may have done the work.
    const reason = whyStale(root);
    if (reason === undefined) return;
    console.log(`fenceline: installing dependencies with npm ci (${reason})`);
    await npmCi(root);
    const still = whyStale(root);
    if (still !== undefined) throw new Error(`npm ci ended well, yet ${still}; remove node_modules and try again`);
  });
}
