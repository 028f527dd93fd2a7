import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProofs, PROOF, readDocument, tablesOf } from "./proofs.ts";

const PAGE = readDocument("security.md");
/** Chapters whose tables say nothing of what somebody cannot do. */
const WITHOUT_TESTS = ["What is protected, and what proves who somebody is", "What we ourselves hold"];

test("every test that docs/security.md links is there, and the entry that it stands for is tested in it", () => {
  assertProofs(PAGE, 100);
});

test("every line of docs/security.md that says what somebody cannot do links a test in its last column", () => {
  const held = tablesOf(PAGE).filter(({ chapter }) => !WITHOUT_TESTS.includes(chapter));
  assert.deepEqual(
    held.map(({ head }) => /\| test +\|$/.test(head)),
    [true, true, true, true, true],
  );
  for (const row of held.flatMap(({ rows }) => rows)) assert.match(row.split(" | ").at(-1) ?? "", PROOF, row.slice(0, 120));
});
