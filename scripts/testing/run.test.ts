import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runningProcesses } from "./processes.ts";

const RUN = fileURLToPath(new URL("run.ts", import.meta.url));
const HEAD = `import { test } from "node:test"; import { spawn } from "node:child_process";\n`;
const PASSES = `${HEAD}test("passes", () => {});`;

/** Runs test files with these texts, and has TAP of it. */
function run(t: TestContext, files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  return runAsNpmDoes(t, files, ...args, "--test-reporter=tap");
}

async function runAsNpmDoes(t: TestContext, files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-run-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  // Inside of a test, Node's runner would take the inner one for a part of this.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const argv = [RUN, ...args, ...Object.keys(files)];
  const child = spawn(process.execPath, argv, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code, output, errors };
}

const NEVER_ENDS = {
  "a loop": `test("loops", () => { for (;;); });`,
  "a test that is given up and goes on": `test("goes on", { timeout: 100 }, async () => { for (;;) await new Promise(setImmediate); });`,
  "something left open": `setInterval(() => {}, 1_000); test("leaves a timer behind", () => {});`,
};

for (const [what, code] of Object.entries(NEVER_ENDS)) {
  test(`a file that never ends, by ${what}, is killed and has failed, and others pass`, async (t) => {
    const files = { "endless.test.mjs": `${HEAD}${code}`, "other.test.mjs": PASSES };
    const ended = await run(t, files, "--file-timeout=2", "--test-timeout=60000");
    assert.equal(ended.code, 1, ended.output);
    assert.match(ended.errors, /^fenceline: killed a test file that had not ended after 2 s: .*endless\.test\.mjs$/m);
    assert.match(ended.output, /^not ok /m);
    assert.match(ended.output, /^ok \d+ - passes$/m);
  });
}

test("what a killed file has started is killed, too", async (t) => {
  const started = `const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
console.log("child " + child.pid); test("waits for it", () => new Promise(() => {}));`;
  const { output } = await run(t, { "parent.test.mjs": `${HEAD}${started}` }, "--file-timeout=2");
  const pid = Number(/child (\d+)/.exec(output)?.[1]);
  assert.ok(pid > 0, output);
  assert.ok(!runningProcesses().some((one) => one.pid === pid));
});

test("where every file ends, the exit code is that of node --test, and nothing is added to its output", async (t) => {
  const good = await run(t, { "good.test.mjs": PASSES });
  assert.deepEqual({ code: good.code, errors: good.errors }, { code: 0, errors: "" });
  const bad = await run(t, { "bad.test.mjs": `${HEAD}test("fails", () => { throw new Error("no"); });` });
  assert.deepEqual({ code: bad.code, errors: bad.errors }, { code: 1, errors: "" });
});

test("what was skipped is told at the end, with the reason and the files, and nothing where nothing was", async (t) => {
  const missing = `test("first", { skip: "no grpc-java here" }, () => {}); test("outer", async (t) => { await t.test("inner", { skip: "no grpc-java here" }); });`;
  const files = { "a.test.mjs": `${HEAD}${missing}`, "b.test.mjs": `${HEAD}test("bare", { skip: true }, () => {});`, "c.test.mjs": PASSES };
  const ended = await runAsNpmDoes(t, files);
  assert.equal(ended.code, 0);
  assert.match(ended.output, /^✔ passes/m);
  assert.deepEqual(ended.errors.trim().split("\n"), [
    "fenceline: 3 tests skipped:",
    "  no grpc-java here (2 tests in a.test.mjs)",
    "  no reason is given (1 test in b.test.mjs)",
  ]);
  assert.equal((await runAsNpmDoes(t, { "c.test.mjs": PASSES })).errors, "");
});
