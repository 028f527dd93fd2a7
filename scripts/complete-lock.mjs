/**
 * Makes package-lock.json whole for every platform.
 *
 * Some packages carry one optional package per platform. A registry mirror may hold only some of
 * them; `npm install` then leaves the others out of the lock file without a word, and `npm ci`
 * refuses that lock file everywhere. This adds them by name and version. They have no integrity
 * hash, since they could not be fetched to compute one; npm takes the registry's.
 *
 * Usage: npm run lock (after a change of dependencies)
 */
import { readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../package-lock.json", import.meta.url);

const lock = JSON.parse(readFileSync(FILE, "utf8"));
const { "": root, ...packages } = lock.packages;
for (const entry of Object.values(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    packages[`node_modules/${name}`] ??= platformPackage(name, version, entry);
  }
}
lock.packages = { "": root, ...Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);

/**
 * `@biomejs/cli-linux-x64-musl`: the name ends in the platform's operating system, processor and,
 * where there are two, C library.
 *
 * @param {string} name
 * @param {string} version
 * @param {{ license?: string, engines?: object, dev?: boolean }} entry the package that wants it
 */
function platformPackage(name, version, { license, engines, dev }) {
  const [, os, cpu, libc] = /-(aix|android|darwin|freebsd|linux|netbsd|openbsd|sunos|win32)-([a-z0-9]+)(?:-(musl))?$/.exec(name) ?? [];
  if (os === undefined) throw new Error(`cannot tell the platform of ${name}: install it, or add it to package-lock.json by hand`);
  const libcs = os === "linux" ? { libc: [libc ?? "glibc"] } : {};
  return { version, cpu: [cpu], ...(dev && { dev }), ...libcs, license, optional: true, os: [os], engines };
}
