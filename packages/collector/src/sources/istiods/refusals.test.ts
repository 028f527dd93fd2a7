import assert from "node:assert/strict";
import { test } from "node:test";
import { type Refusal, refusalsAfter } from "./refusals.ts";
import type { Rejection } from "./sync-status.ts";

const NEVER = Number.NEGATIVE_INFINITY;
const MINUTES = 60_000;
const CDS = { type: "CDS", words: "cluster a" };
const LDS = { type: "LDS", words: "listener a" };

/** What is known after these answers, of which each is told with its time. */
function after(answers: readonly (readonly [number, readonly Rejection[]])[], filtersChanged = NEVER): readonly Refusal[] {
  return answers.reduce<readonly Refusal[]>((before, [now, told]) => {
    const changed = filtersChanged <= now ? filtersChanged : NEVER;
    return refusalsAfter(before, told, { now, filtersChanged: changed });
  }, []);
}

test("issue 16: a refusal is known from when it was told first until it was told last", () => {
  const known = after([
    [1, [CDS]],
    [2, [CDS]],
    [3, []],
  ]);
  assert.deepEqual(known, [{ ...CDS, isTold: false, since: 1, until: 2 }]);
});

test("issue 16: listeners are always sent whole, so that one which istiod tells no more is over", () => {
  assert.deepEqual(
    after([
      [1, [LDS]],
      [2, []],
    ]),
    [],
  );
});

test("issue 16: other words of a type stand for those before", () => {
  const other = { ...CDS, words: "cluster b" };
  assert.deepEqual(
    after([
      [1, [CDS]],
      [2, [other]],
    ]),
    [{ ...other, isTold: true, since: 2, until: 2 }],
  );
});

test("issue 16: a proxy that has been connected for longer than istiod lets it has been sent everything", () => {
  assert.equal(
    after([
      [0, [CDS]],
      [35 * MINUTES - 1, []],
    ]).length,
    1,
  );
  assert.equal(
    after([
      [0, [CDS]],
      [35 * MINUTES, []],
    ]).length,
    0,
  );
});

test("issue 16: a change of EnvoyFilters mends what was refused before it and is not told once it was sent", () => {
  const told = [
    [10_000, [CDS]],
    [15_000, [CDS]],
    [20_000, []],
    [30_000, []],
  ] as const;
  const isKnown = (filtersChanged: number) => after(told, filtersChanged).length > 0;
  assert.equal(isKnown(16_000), false);
  assert.equal(isKnown(12_000), false, "it was still under way when it was told last");
  assert.equal(isKnown(10_000), true, "it is what the proxy refuses");
  assert.equal(isKnown(21_000), true, "istiod may not have sent it yet");
  const survived = [
    [0, [CDS]],
    [20_000, [CDS]],
    [60_000, []],
  ] as const;
  assert.equal(after(survived, 5_000).length, 1, "what was sent by it was refused again");
});

test("issue 16: what is refused anew after a change is not mended by it", () => {
  const told = [
    [0, [CDS]],
    [5_000, []],
    [10_000, []],
    [15_000, [CDS]],
    [20_000, []],
    [60_000, []],
  ] as const;
  assert.equal(after(told, 10_000).length, 1);
});
