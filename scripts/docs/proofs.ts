/** Links from lines of a document to the tests that prove them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(import.meta.dirname, "../..");
/** A proof: a test file, or a suite of the lab. */
export const PROOF = /\[[^\]]+\]\(\.\.\/([^)]+\.test\.ts|e2e\/src\/suites\/[^)]+\.ts)\)/;
/** A proof, or the entry of an issue that the proofs after it are for. */
const ENTRY_OR_PROOF = new RegExp(`\\b(T-\\d{2}|E\\d-\\d{2}|issue \\d+) (?=\\[|the same)|${PROOF.source}`, "g");

interface Proof {
  readonly path: string;
  /** Undefined if the line names none. */
  readonly entry: string | undefined;
}

/** A table of a document. */
interface Table {
  readonly chapter: string;
  readonly head: string;
  readonly rows: readonly string[];
}

export function readDocument(name: string): string {
  return readFileSync(join(PROJECT, "docs", name), "utf8");
}

/** Tables of a document, each with its chapter. */
export function tablesOf(document: string): readonly Table[] {
  return document.split(/^## /m).flatMap((text) => {
    const chapter = text.slice(0, text.indexOf("\n"));
    return [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => {
      const [head = "", , ...rows] = table.trimEnd().split("\n");
      return { chapter, head, rows };
    });
  });
}

/**
 * Checks that every test that a document links exists, and tests the entry for which it is linked.
 *
 * @param least lowest number of links
 */
export function assertProofs(document: string, least: number): void {
  const proofs = document.split("\n").flatMap(proofsOf);
  assert.ok(proofs.length > least, `${proofs.length} links`);
  for (const { path, entry } of proofs) {
    assert.ok(existsSync(join(PROJECT, path)), path);
    if (entry !== undefined) assert.ok(readFileSync(join(PROJECT, path), "utf8").includes(entry), `${path} has no ${entry}`);
  }
}

function proofsOf(line: string): Proof[] {
  let entry: string | undefined;
  return [...line.matchAll(ENTRY_OR_PROOF)].flatMap(([, named, path]) => {
    // Tests of issue 14 do not have its number.
    if (path === undefined) entry = named?.startsWith("issue") ? undefined : named;
    return path === undefined ? [] : [{ path, entry }];
  });
}
