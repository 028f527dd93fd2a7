import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { GOLDENS } from "./testing/golden-case.ts";

for (const { folder, outputOf } of GOLDENS) {
  const inputs = globSync("*.in.yaml", { cwd: folder }).sort();

  test(`every golden input of ${basename(folder)} has an output and no output is left over`, () => {
    const outputs = globSync("*.out.yaml", { cwd: folder }).sort();
    assert.deepEqual(
      outputs,
      inputs.map((input) => input.replace(".in.yaml", ".out.yaml")),
    );
    assert.ok(inputs.length > 0);
  });

  for (const input of inputs) {
    test(`${input} of ${basename(folder)} gives its golden output`, () => {
      const expected = readFileSync(join(folder, input.replace(".in.yaml", ".out.yaml")), "utf8");
      assert.equal(outputOf(readFileSync(join(folder, input), "utf8"), input), expected);
    });
  }
}
