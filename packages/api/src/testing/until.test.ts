import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./until.ts";

/** Gives one answer after the other, and the last one for ever. */
function answering<T>(...answers: T[]): () => T {
  return () => (answers.length > 1 ? answers.shift() : answers[0]) as T;
}

test("it resolves with the first thing that is there, 0 and the empty text too", async () => {
  assert.equal(await until(answering<string | undefined>(undefined, undefined, "there")), "there");
  assert.equal(await until(answering<number | false | null>(false, null, 0)), 0);
  assert.equal(await until(async () => ""), "");
});

test("what never comes is given up, with what was looked for", async () => {
  await assert.rejects(
    until(() => false, 20),
    { message: "never came, in 0.02 s: () => false" },
  );
});

test("a look that throws ends the wait", async () => {
  await assert.rejects(
    until(() => assert.fail("it has ended")),
    { message: "it has ended" },
  );
});

test("it looks at every turn of the event loop at first, and leaves the core to others then", async () => {
  const begin = performance.now();
  let [early, late] = [0, 0];
  const look = () => {
    const waited = performance.now() - begin;
    if (waited < 100) early += 1;
    if (waited > 200) late += 1;
    return false;
  };
  await assert.rejects(until(look, 600));
  assert.ok(early > 20, `${early} looks in 100 ms`);
  // A look in 5 ms.
  assert.ok(late > 0 && late <= 82, `${late} looks in 400 ms`);
});
