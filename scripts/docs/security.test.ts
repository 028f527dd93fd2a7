import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(join(PROJECT, "docs/security.md"), "utf8");
/** What may stand as a proof: a test file, or a suite of the lab. */
const PROOF = /\[[^\]]+\]\(\.\.\/([^)]+\.test\.ts|e2e\/src\/suites\/[^)]+\.ts)\)/;
/** A proof, or the entry of an issue that the proofs behind it stand for. */
const ENTRY_OR_PROOF = new RegExp(`\\b(T-\\d{2}|E\\d-\\d{2}|issue \\d+) (?=\\[)|${PROOF.source}`, "g");
/** Chapters whose tables say nothing of what somebody cannot do. */
const WITHOUT_TESTS = ["What is protected, and what proves who somebody is", "What we ourselves hold"];

interface Proof {
  readonly path: string;
  /** Undefined where the line names none. */
  readonly entry: string | undefined;
}

function proofsOf(line: string): Proof[] {
  let entry: string | undefined;
  return [...line.matchAll(ENTRY_OR_PROOF)].flatMap(([, named, path]) => {
    // Tests of issue 14 do not bear its number.
    if (path === undefined) entry = named?.startsWith("issue") ? undefined : named;
    return path === undefined ? [] : [{ path, entry }];
  });
}

/** Tables of the page, with the chapter that each stands in. */
function tables(): { chapter: string; head: string; rows: string[] }[] {
  return PAGE.split(/^## /m).flatMap((text) => {
    const chapter = text.slice(0, text.indexOf("\n"));
    return [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => {
      const [head = "", , ...rows] = table.trimEnd().split("\n");
      return { chapter, head, rows };
    });
  });
}

test("every test that docs/security.md links is there, and the entry that it stands for is tested in it", () => {
  const proofs = PAGE.split("\n").flatMap(proofsOf);
  assert.ok(proofs.length > 100, `${proofs.length} links`);
  for (const { path, entry } of proofs) {
    assert.ok(existsSync(join(PROJECT, path)), path);
    if (entry !== undefined) assert.ok(readFileSync(join(PROJECT, path), "utf8").includes(entry), `${path} has no ${entry}`);
  }
});

test("every line of docs/security.md that says what somebody cannot do links a test in its last column", () => {
  const held = tables().filter(({ chapter }) => !WITHOUT_TESTS.includes(chapter));
  assert.deepEqual(
    held.map(({ head }) => /\| test +\|$/.test(head)),
    [true, true, true, true, true],
  );
  for (const row of held.flatMap(({ rows }) => rows)) assert.match(row.split(" | ").at(-1) ?? "", PROOF, row.slice(0, 120));
});
