import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runInstall, tinyProject, writeJson } from "./install/fixture.ts";

test("a fresh clone is installed with one line, and the next run is silent", async (t) => {
  const root = await tinyProject(t);
  const first = await runInstall(root);
  assert.equal(first.code, 0, first.output);
  assert.equal(first.output, "fenceline: installing dependencies with npm ci (node_modules is missing)\n");
  assert.ok(existsSync(join(root, "node_modules", "one", "package.json")));
  assert.deepEqual(await runInstall(root), { code: 0, output: "" });
});

test("two runs at once install once, and both succeed", async (t) => {
  const root = await tinyProject(t);
  const runs = await Promise.all([runInstall(root), runInstall(root)]);
  assert.deepEqual(
    runs.map((run) => run.code),
    [0, 0],
  );
  const installs = runs.filter((run) => run.output.includes("installing dependencies"));
  assert.equal(installs.length, 1, JSON.stringify(runs));
  assert.ok(!existsSync(join(root, ".tools", "install.lock")));
});

test("flags of the outer npm run do not reach the inner npm", async (t) => {
  const root = await tinyProject(t);
  const run = await runInstall(root, {
    npm_config_dry_run: "true",
    npm_config_workspaces: "false",
    npm_config_package_lock_only: "true",
    NODE_ENV: "production",
  });
  assert.equal(run.code, 0, run.output);
  assert.ok(existsSync(join(root, "node_modules", "one", "package.json")));
});

test("a package whose folder is gone is installed again", async (t) => {
  const root = await tinyProject(t);
  await runInstall(root);
  await rm(join(root, "node_modules", "one"));
  const run = await runInstall(root);
  assert.equal(run.code, 0, run.output);
  assert.match(run.output, /node_modules\/one is gone/);
});

test("a lock file that npm refuses gives exit code 1 and npm's reason", async (t) => {
  const root = await tinyProject(t);
  await writeJson(join(root, "package.json"), { name: "tiny", version: "1.0.0", dependencies: { absent: "file:./absent" } });
  const run = await runInstall(root);
  assert.equal(run.code, 1);
  assert.match(run.output, /npm error/);
  assert.match(run.output, /fenceline: npm ci failed \(exit code 1\)/);
});

test("a lock left behind by a killed install is taken over", async (t) => {
  const root = await tinyProject(t);
  const lock = join(root, ".tools", "install.lock");
  await mkdir(lock, { recursive: true });
  const run = await runInstall(root, { FENCELINE_INSTALL_STALE_AFTER_MS: "300" });
  assert.equal(run.code, 0, run.output);
  assert.match(run.output, /another install is running, waiting for it/);
  assert.match(run.output, /installing dependencies/);
});

test("a lock whose holder lives is waited for, however long", async (t) => {
  const root = await tinyProject(t);
  const lock = join(root, ".tools", "install.lock");
  await mkdir(lock, { recursive: true });
  const beat = setInterval(() => void utimes(lock, new Date(), new Date()), 50);
  const waiting = runInstall(root, { FENCELINE_INSTALL_STALE_AFTER_MS: "600" });
  const before = await stat(lock);
  const first = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 1_500, "still waiting"))]);
  assert.equal(first, "still waiting");
  assert.equal((await stat(lock)).ino, before.ino);
  clearInterval(beat);
  assert.equal((await waiting).code, 0);
});
