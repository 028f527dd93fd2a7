import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { tinyProject, writeJson } from "./fixture.ts";
import { whyStale } from "./stale.mjs";

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}

/** A project whose lock file and node_modules say what the test wants. */
async function project(t: TestContext, locked: Record<string, Locked>, installed: Record<string, Locked>): Promise<string> {
  const root = await tinyProject(t);
  await writeJson(join(root, "package-lock.json"), { packages: { "": {}, ...locked } });
  for (const [folder, entry] of Object.entries(installed)) {
    await mkdir(join(root, folder), { recursive: true });
    await writeJson(join(root, folder, "package.json"), entry);
  }
  await mkdir(join(root, "node_modules", ".bin"), { recursive: true });
  await writeJson(join(root, "node_modules", ".package-lock.json"), { packages: installed });
  return root;
}

test("node_modules that hold the locked versions fit, whoever installed them", async (t) => {
  const entries = { "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };
  assert.equal(whyStale(await project(t, entries, entries)), undefined);
});

test("another version or another content is stale", async (t) => {
  const locked = { "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };
  const version = await project(t, locked, { "node_modules/a": { version: "1.0.1", integrity: "sha512-a" } });
  assert.match(whyStale(version) ?? "", /node_modules\/a is not the locked version/);
  const content = await project(t, locked, { "node_modules/a": { version: "1.0.0", integrity: "sha512-b" } });
  assert.match(whyStale(content) ?? "", /node_modules\/a is not the locked version/);
});

test("a missing package is stale, unless it is optional and so for another platform", async (t) => {
  assert.match(whyStale(await project(t, { "node_modules/a": { version: "1.0.0" } }, {})) ?? "", /node_modules\/a is not installed/);
  assert.equal(whyStale(await project(t, { "node_modules/a": { version: "1.0.0", optional: true } }, {})), undefined);
});

test("an interrupted install, which has no hidden lock file or half of one, is stale", async (t) => {
  const root = await project(t, { "node_modules/a": { version: "1.0.0" } }, { "node_modules/a": { version: "1.0.0" } });
  await writeFile(join(root, "node_modules", ".package-lock.json"), '{"packages": {');
  assert.match(whyStale(root) ?? "", /node_modules\/a is not installed/);
});

test("the Node in node_modules must run and be the locked one", async (t) => {
  const entries = { "node_modules/node": { version: "24.0.1" } };
  const root = await project(t, entries, entries);
  const binary = join(root, "node_modules", ".bin", "node");
  assert.match(whyStale(root) ?? "", /not runnable, wanted v24\.0\.1/);
  await writeFile(binary, "#!/bin/sh\necho v20.0.0\n");
  await chmod(binary, 0o755);
  assert.match(whyStale(root) ?? "", /is v20\.0\.0, wanted v24\.0\.1/);
  await writeFile(binary, "#!/bin/sh\necho v24.0.1\n");
  assert.equal(whyStale(root), undefined);
});
