import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./tool.mjs";

/** Package lists of some 10 MB, and a package of some 40 MB, on a slow line. */
const APT_TIMEOUT_MS = 10 * 60_000;

/**
 * Unpacks a package of Debian. Nobody need be root for it, and nothing on the machine changes: apt
 * works on lists of its own. What the package depends on has to be on every Debian.
 *
 * Debian keeps one version of a release, so none is pinned: security updates arrive by themselves.
 *
 * @param {string} name
 * @param {string} folder
 */
export function unpackDebian(name, folder) {
  const work = mkdtempSync(join(tmpdir(), `fenceline-${name}-`));
  try {
    const options = { cwd: work, timeout: APT_TIMEOUT_MS };
    const settings = ownLists(work);
    run("apt-get", ["update", "-qq", ...settings], options);
    run("apt-get", ["download", name, "-qq", ...settings], options);
    const file = readdirSync(work).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) throw new Error("apt-get downloaded no package");
    run("dpkg-deb", ["--extract", file, folder], options);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * A machine's own lists may be missing or stale, and only root may renew them.
 *
 * @param {string} folder
 */
function ownLists(folder) {
  mkdirSync(join(folder, "lists", "partial"), { recursive: true });
  mkdirSync(join(folder, "cache", "archives", "partial"), { recursive: true });
  // Root would have apt drop to a user who may not write here.
  const settings = [`Dir::State::lists=${join(folder, "lists")}`, `Dir::Cache=${join(folder, "cache")}`, "APT::Sandbox::User="];
  return settings.flatMap((setting) => ["-o", setting]);
}
