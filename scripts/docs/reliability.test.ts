import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProofs, PROOF, readDocument, tablesOf } from "./proofs.ts";

const PAGE = readDocument("reliability.md");

test("issue 15: every test that docs/reliability.md links is there, and the entry that it stands for is tested in it", () => {
  assertProofs(PAGE, 50);
});

test("issue 15: every promise of docs/reliability.md has a test, its own or that of the line before", () => {
  const tables = tablesOf(PAGE);
  assert.deepEqual([...new Set(tables.map(({ head }) => head.replaceAll(/ +/g, " ")))], ["| promise | test |"]);
  for (const { rows } of tables)
    for (const [index, row] of rows.entries()) {
      const proof = row.split(" | ").at(-1) ?? "";
      const isTheSame = index > 0 && /\bthe same\b/.test(proof);
      assert.ok(isTheSame || PROOF.test(proof), row.slice(0, 120));
    }
});

test("issue 15: every entry of the issue up to T-31 is in docs/reliability.md", () => {
  const entries = [13, ...Array.from({ length: 17 }, (_, index) => 15 + index)].map((number) => `T-${number}`);
  assert.deepEqual(
    entries.filter((entry) => !PAGE.includes(`${entry} `)),
    [],
  );
});
