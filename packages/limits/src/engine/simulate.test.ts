import assert from "node:assert/strict";
import { test } from "node:test";
import { Expressions } from "../expression/expression.ts";
import { AdaptiveRule } from "./adaptive-rule.ts";
import type { RulePolicy } from "./rule-policy.ts";
import { simulated } from "./simulate.ts";

const expressions = new Expressions(["load"]);
const rule = (policy: RulePolicy) =>
  new AdaptiveRule({ condition: expressions.condition("true"), quota: expressions.number("load"), policy });
const point = (at: number, load?: number) => ({ at, values: new Map(load === undefined ? [] : [["load", load]]) });

function quotas(policy: RulePolicy, ...points: readonly ReturnType<typeof point>[]): readonly string[] {
  return [...simulated([rule(policy)], points)].map(({ at, decisions: [decision] }) => `${at} ${decision?.quota} ${decision?.reason}`);
}

test("a series is decided at each of its points", () => {
  assert.deepEqual(quotas({}, point(0, 10), point(50, 20), point(60, 5)), ["0 10 Followed", "50 20 Followed", "60 5 Followed"]);
});

test("between two points steps are taken when they are due, and none behind the last point", () => {
  const steps = quotas({ largestStep: { by: 10 }, stepEvery: 100 }, point(0, 10), point(1_000, 35), point(1_250, 35));
  assert.deepEqual(steps, ["0 10 Followed", "1000 20 Held", "1100 30 Held", "1200 35 Followed", "1250 35 Followed"]);
});

test("a change that has to hold comes when it has, and values that are missing are stale when they have been for long", () => {
  assert.deepEqual(quotas({ holdFor: 30 }, point(0, 10), point(10, 20), point(100, 20)), [
    "0 10 Followed",
    "10 10 Held",
    "40 20 Followed",
    "100 20 Followed",
  ]);
  assert.deepEqual(quotas({ staleAfter: 50, fallback: 3 }, point(0, 10), point(10), point(100, 8)), [
    "0 10 Followed",
    "10 10 NoValues",
    "60 3 Stale",
    "100 8 Followed",
  ]);
});

test("a series without points, and rules that are none, decide nothing", () => {
  assert.deepEqual([...simulated([rule({})], [])], []);
  assert.deepEqual(
    [...simulated([], [point(0, 1), point(1, 2)])].map(({ at, decisions }) => [at, decisions]),
    [
      [0, []],
      [1, []],
    ],
  );
});
