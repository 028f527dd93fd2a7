import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { LineBudget, ToldLineBudget } from "./line-budget.ts";

/** A budget of one line in ten seconds, and what it has told. */
function start(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = { ms: 0 };
  const told: [string | undefined, number][] = [];
  const options = { lines: 1, window: 10_000, clock: () => clock.ms };
  const budget = new ToldLineBudget((kind, suppressed) => told.push([kind, suppressed]), options);
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.ms += 1_000;
      t.mock.timers.tick(1_000);
    }
  };
  return { budget, told, pass };
}

test("a budget lets so many lines of a kind through in a window, and as many of another kind", () => {
  const clock = { ms: 0 };
  const budget = new LineBudget({ lines: 2, window: 1_000, clock: () => clock.ms });

  assert.deepEqual(
    ["a", "a", "a", "b"].map((kind) => budget.take(kind)),
    [true, true, false, true],
  );
  clock.ms += 1_000;
  assert.equal(budget.take("a"), true);
});

test("T-41 how many lines were left out is told within a second, though no other line follows", (t) => {
  const { budget, told, pass } = start(t);
  for (const kind of ["a", "a", "b", "a", "b"]) budget.take(kind);

  pass(1);

  assert.deepEqual(told, [
    ["a", 2],
    ["b", 1],
  ]);
  pass(60);
  assert.equal(told.length, 2);
});

test("T-41 while lines go on being left out, that is told once in a window, and none is forgotten", (t) => {
  const { budget, told, pass } = start(t);
  let asked = 0;
  let passed = 0;
  for (let second = 0; second < 60; second += 1) {
    for (let line = 0; line < 5; line += 1) {
      asked += 1;
      if (budget.take("a")) passed += 1;
    }
    pass(1);
  }
  pass(10);

  assert.ok(told.length <= 8, `${told.length} lines`);
  const suppressed = told.reduce((sum, [, count]) => sum + count, 0);
  assert.equal(passed + suppressed, asked);
});

test("T-41 of a thousand kinds fifty are told by name, and the others together", (t) => {
  const { budget, told, pass } = start(t);
  for (let kind = 0; kind < 1_000; kind += 1) for (let line = 0; line < 2; line += 1) budget.take(`kind ${kind}`);

  pass(1);

  assert.equal(told.length, 51);
  assert.deepEqual(told.at(-1), [undefined, 950]);
});
