import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "../rounds.ts";
import { summarise } from "../table.ts";
import { goalsOf, type RowResult, verdicts } from "./goals.ts";
import { matrix } from "./matrix.ts";
import { ROWS } from "./rows.ts";

const NODE = ["slow", "quick"];

/** A row as it is measured, with the rates of one round. */
function measured(id: string, rates: Record<string, number>): RowResult {
  const row = ROWS.find((candidate) => candidate.id === id);
  assert.ok(row);
  const rounds = new Map<string, Sample[]>(Object.entries(rates).map(([peer, rate]) => [peer, [{ rate, cpu: 1 }]]));
  return { row, peers: summarise(rounds, "Fenceline", goalsOf(row, NODE)) };
}

test("first among the Node proxies is judged by the strongest of them", () => {
  const [verdict] = verdicts([measured("64k", { Fenceline: 100, slow: 50, quick: 110 })], NODE, undefined, undefined);
  assert.deepEqual(verdict, { goal: "64k: first among the Node proxies", measured: "0.91× quick", met: false });
});

test("Envoy and Go are goals in the main row only", () => {
  const rates = { Fenceline: 130, Envoy: 120, Go: 101, nginx: 1_000 };
  const met = verdicts([measured("64b-32", rates), measured("post", rates)], NODE, undefined, undefined);
  assert.deepEqual(
    met.map(({ goal, met }) => [goal, met]),
    [
      ["64b-32: at least 1× Envoy", true],
      ["64b-32: at least 1.3× Go", false],
    ],
  );
});

test("latency must be no worse than Envoy's, and memory within its bound", () => {
  const judge = (ours: number, megabytes: number) =>
    verdicts([], NODE, { rate: 10_000, ours, envoy: 500 }, megabytes).map(({ met }) => met);
  assert.deepEqual(judge(500, 120), [true, true]);
  assert.deepEqual(judge(501, 121), [false, false]);
});

test("what was left out has no verdict", () => {
  assert.deepEqual(verdicts([measured("http2", { Envoy: 100, slow: 50 })], NODE, undefined, undefined), []);
});

test("the matrix shows a dash for a peer that takes no part in a row, and no ratio without ours", () => {
  const rows = [measured("64b-1", { Fenceline: 20_000, Envoy: 10_000 }), measured("http2", { Envoy: 9_000 })];
  assert.deepEqual(
    matrix(rows, ["Fenceline", "Envoy"])
      .split("\n")
      .map((line) => line.split(/ {2,}/)),
    [
      ["thousands/s, ours is", "Fenceline", "Envoy"],
      ["64b-1", "20.0", "10.0 2.00×"],
      ["http2", "—", "9.0"],
    ],
  );
});
