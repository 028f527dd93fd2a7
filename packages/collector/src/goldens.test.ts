import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { renderGoldenCase } from "./testing/golden-case.ts";

const folder = join(import.meta.dirname, "../testdata");
const inputs = globSync("*.in.yaml", { cwd: folder }).sort();

test("every golden input has an output and no output is left over", () => {
  const outputs = globSync("*.out.yaml", { cwd: folder }).sort();
  assert.deepEqual(
    outputs,
    inputs.map((input) => input.replace(".in.yaml", ".out.yaml")),
  );
  assert.ok(inputs.length > 0);
});

for (const input of inputs) {
  test(`${input} renders to its golden output`, () => {
    const expected = readFileSync(join(folder, input.replace(".in.yaml", ".out.yaml")), "utf8");
    assert.equal(renderGoldenCase(readFileSync(join(folder, input), "utf8"), input), expected);
  });
}
