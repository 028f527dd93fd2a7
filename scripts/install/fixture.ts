/**
 * A tiny npm project with one workspace and no dependencies: `npm ci` in it is real, and needs no
 * network.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The result of one run of a script. */
export interface Run {
  readonly code: number;
  /** Both streams together. */
  readonly output: string;
}

const INSTALL = fileURLToPath(new URL("../install.mjs", import.meta.url));

/**
 * A project folder that is removed when the test ends. Its name has a space and a quote, as a
 * user's may have.
 */
export async function tinyProject(cleanUp: { after(fn: () => Promise<void>): void }): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "fenceline-install-"));
  cleanUp.after(() => rm(base, { recursive: true, force: true }));
  const root = join(base, "it's a project");
  await mkdir(join(root, "one"), { recursive: true });
  const one = { name: "one", version: "1.0.0" };
  await writeJson(join(root, "package.json"), { name: "tiny", version: "1.0.0", private: true, workspaces: ["one"] });
  await writeJson(join(root, "one", "package.json"), one);
  await writeJson(join(root, "package-lock.json"), {
    name: "tiny",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { name: "tiny", version: "1.0.0", workspaces: ["one"] },
      "node_modules/one": { resolved: "one", link: true },
      one: { version: "1.0.0" },
    },
  });
  return root;
}

/** Runs `install.mjs` on a project, with `env` on top of this process' environment. */
export function runInstall(root: string, env: Record<string, string> = {}): Promise<Run> {
  return runNode([INSTALL, root], env);
}

/**
 * Runs a script with this Node and waits for its end; a failing exit code is a result, not an
 * error.
 */
export function runNode(args: string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { env: { ...process.env, npm_config_offline: "true", ...env } },
      (_error, stdout, stderr) => {
        resolve({ code: child.exitCode ?? 1, output: stdout + stderr });
      },
    );
  });
}

/** Writes a value as JSON. */
export function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
