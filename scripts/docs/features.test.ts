import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertProofs, PROOF, readDocument, tablesOf } from "./proofs.ts";

const DOCS = join(import.meta.dirname, "../../docs");
const REASONS = "adr/0033-what-we-do-not-take-over.md";
/** How many features the two predecessors have. */
const FEATURES = 123;
const STATES = ["works", "works otherwise", "refused", "not yet"] as const;

interface Feature {
  readonly row: number;
  readonly state: (typeof STATES)[number];
  /** What stands behind the state. */
  readonly said: string;
  readonly proof: string;
}

const PAGE = readDocument("features.md");
const TABLES = tablesOf(PAGE);
const ALL = TABLES.flatMap(({ rows }) => rows.map(featureOf));

function featureOf(line: string): Feature {
  const [row, feature, stated = "", proof = "", ...rest] = line
    .slice(1, line.lastIndexOf("|"))
    .split(" | ")
    .map((cell) => cell.trim());
  assert.ok(feature !== undefined && feature !== "" && rest.length === 0, line);
  const [named, ...said] = stated.split(": ");
  const state = STATES.find((each) => each === named) ?? assert.fail(`${stated} is no state: ${line}`);
  return { row: Number(row), state, said: said.join(": "), proof };
}

const rowsOf = (features: readonly Feature[]) => features.map(({ row }) => row).sort((one, other) => one - other);

test("issue 16: every feature of the two predecessors stands once in docs/features.md", () => {
  assert.deepEqual(
    rowsOf(ALL),
    Array.from({ length: FEATURES }, (_, index) => index + 1),
  );
  for (const { head } of TABLES) assert.equal(head.replaceAll(/ +/g, " "), "| row | feature | state | test |");
});

test("issue 16: docs/features.md counts how many features have which state", () => {
  const [works, otherwise, refused, missing] = STATES.map((state) => ALL.filter((feature) => feature.state === state).length);
  const counts = `${works} of them work here as documented there, ${otherwise} work otherwise, ${refused} are refused, ${missing} ${missing === 1 ? "is" : "are"} not there yet`;
  assert.ok(PAGE.includes(` have ${FEATURES} features. ${counts}.`), counts);
});

test("issue 16: every feature that works has a test, and every test that docs/features.md links is there", () => {
  assertProofs(PAGE, 120);
  for (const { row, state, proof } of ALL) if (state.startsWith("works")) assert.match(proof, PROOF, `row ${row}`);
});

test("issue 16: what works otherwise, is refused or is not there yet says what or why", () => {
  for (const { row, state, said } of ALL) assert.equal(said.length > 5, state !== "works", `row ${row}: ${said}`);
});

test("issue 16: what docs/features.md leaves to ADR 33 has its reason there, and nothing else has", () => {
  const reasons = [...readDocument(REASONS).matchAll(/^- \*\*((?:\d+(?:, | and ))+)/gm)].flatMap(
    ([, rows = ""]) => rows.match(/\d+/g) ?? [],
  );
  const left = ALL.filter(({ said }) => said.includes(`](${REASONS})`));
  assert.deepEqual(
    reasons.map(Number).sort((one, other) => one - other),
    rowsOf(left),
  );
  for (const { row, state, said } of ALL) if (state === "refused") assert.match(said, /\]\(adr\/\d{4}-[\w-]+\.md\)/, `row ${row}`);
});

test("issue 16: every file that docs/features.md links is there", () => {
  const links = [...PAGE.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, path = ""]) => path);
  assert.deepEqual(
    links.filter((path) => !existsSync(join(DOCS, path))),
    [],
  );
});
