import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

test("the growth of the heap is limited by an option that this V8 has, and takes while it runs", async () => {
  const module = new URL("heap-growth.ts", import.meta.url);
  const program = `import { limitHeapGrowth } from "${module}"; limitHeapGrowth();`;
  const ran = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  assert.deepEqual({ ...ran }, { stdout: "", stderr: "" }, "V8 complains of an option that it does not know");
  const { stdout } = await promisify(execFile)(process.execPath, ["--v8-options"]);
  assert.match(stdout, /--heap-growing-percent /);
});
