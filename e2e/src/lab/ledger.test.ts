import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Ledger, leftBehind } from "./ledger.ts";

const skip = process.platform !== "linux" && "identities are read from /proc";

function runFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-ledger-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("what is still there is told last made first; a process that has ended and a cut off line are not", { skip }, async (t) => {
  const folder = runFolder(t);
  const ledger = new Ledger(folder);
  ledger.record("folder", folder);
  const child = spawn(process.execPath, ["--eval", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  ledger.record("process", String(child.pid));
  appendFileSync(join(folder, "made.jsonl"), '{"kind":"folder","na');
  const names = () => leftBehind(folder)?.made.map(({ name }) => name);
  assert.deepEqual(names(), [String(child.pid), folder]);
  assert.equal(leftBehind(folder)?.isRunning, true);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(names(), [folder]);
});

test("another process with a written down id is not ours", { skip }, (t) => {
  const folder = runFolder(t);
  new Ledger(folder);
  appendFileSync(join(folder, "made.jsonl"), `${JSON.stringify({ kind: "process", name: String(process.ppid), id: "boot 1" })}\n`);
  assert.deepEqual(leftBehind(folder)?.made, []);
});

test("a run that undid everything left nothing behind", { skip }, (t) => {
  const folder = runFolder(t);
  new Ledger(folder).close();
  assert.equal(leftBehind(folder), undefined);
});
