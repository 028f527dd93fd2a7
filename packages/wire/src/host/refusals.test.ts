import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Refusals } from "./refusals.ts";

test("T-09 refusals take little of each turn of the event loop, in the order in which they came, and none is forgotten", async () => {
  let ms = 0;
  const done: number[] = [];
  const refusals = new Refusals(() => ms);
  const add = (index: number) =>
    refusals.add(() => {
      ms += 0.1;
      done.push(index);
    });
  const all = Array.from({ length: 200 }, (_, index) => index);
  for (const index of all.slice(0, 100)) add(index);
  assert.deepEqual(done, []);
  await turn();
  for (const index of all.slice(100)) add(index);
  while (done.length < 200) {
    const before = done.length;
    await turn();
    assert.ok(done.length - before <= 25, `${done.length - before} refusals in one turn`);
  }
  assert.deepEqual(done, all);
});

test("T-09 no more than some thousand refusals wait: further ones are done at once", () => {
  let done = 0;
  const refusals = new Refusals(() => 0);
  for (let count = 0; count < 10_000; count += 1) refusals.add(() => done++);
  assert.equal(done, 10_000 - 8_192);
});
