import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeApiToken } from "./tokens.ts";

function newFolder(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-token-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return { folder, state: join(folder, "state"), file: join(folder, "state", "api-token") };
}

test("issue 14: the token is in a file for this user only, another one for each run, and the file goes with the run", async (t) => {
  const { folder, file } = newFolder(t);
  const tokens: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    const { matches, hint } = await makeApiToken(folder);
    const text = readFileSync(file, "utf8").trim();
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual([matches(text), matches(text.slice(1)), matches("")], [true, false, false]);
    assert.ok(hint.includes(file));
    tokens.push(text);
  }
  assert.notEqual(tokens[0], tokens[1]);
  await (await makeApiToken(folder)).remove();
  assert.equal(existsSync(file), false);
});

test("issue 14: a file that others may read, or a link that somebody has left there, does not get the token", async (t) => {
  const { folder, state, file } = newFolder(t);
  mkdirSync(state);
  writeFileSync(file, "old", { mode: 0o644 });
  await makeApiToken(folder);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  rmSync(file);
  const elsewhere = join(folder, "elsewhere");
  writeFileSync(elsewhere, "");
  symlinkSync(elsewhere, file);
  await makeApiToken(folder);
  assert.equal(readFileSync(elsewhere, "utf8"), "");
});
