import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TOOLS } from "./places.ts";

/**
 * A program of a Debian package: the one of this machine, else unpacked from the archive into `.tools`, for which nobody need be root.
 * Only for packages whose libraries every Debian has: none are fetched along. Throws where there is neither.
 */
export function debianProgram(name: string, inPackage: string): string {
  const installed = spawnSync("which", [name], { encoding: "utf8", env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  if (installed.status === 0) return installed.stdout.trim();
  const folder = join(TOOLS, name);
  if (!existsSync(folder)) unpack(name, folder);
  return join(folder, inPackage);
}

function unpack(name: string, folder: string): void {
  mkdirSync(TOOLS, { recursive: true });
  const fresh = mkdtempSync(`${folder}.new-`);
  try {
    run("apt-get", ["download", name], fresh, `install ${name}, or run 'apt-get update' first`);
    const file = readdirSync(fresh).find((entry) => entry.endsWith(".deb")) ?? "";
    run("dpkg-deb", ["--extract", file, "root"], fresh, `install ${name} as your distribution does`);
    renameSync(join(fresh, "root"), folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], cwd: string, hint: string): void {
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()} (${hint})`);
}
