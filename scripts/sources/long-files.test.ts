import assert from "node:assert/strict";
import { test } from "node:test";
import { isTooLong } from "./long-files.mjs";

test("issue 14: a file of more than 300 lines is too long, comments and empty lines included; a test may be", () => {
  const lines = (count: number) => `${"// a\n\n".repeat(count / 2)}`;
  const text = `${lines(298)}a\nb\n`;
  assert.deepEqual([isTooLong("packages/a/src/a.ts", text), isTooLong("packages/a/src/a.ts", `${text}c\n`)], [false, true]);
  for (const path of ["packages/a/src/a.test.ts", "packages/a/src/testing/a.ts"]) assert.equal(isTooLong(path, `${text}c\n`), false);
});
