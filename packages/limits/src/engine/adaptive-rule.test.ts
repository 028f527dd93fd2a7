import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Expressions } from "../expression/expression.ts";
import { AdaptiveRule, type AdaptiveRuleOptions, type Decision } from "./adaptive-rule.ts";
import type { RulePolicy } from "./rule-policy.ts";

const expressions = new Expressions(["load", "on"]);

function rule(policy: RulePolicy, options: Partial<AdaptiveRuleOptions> = {}): AdaptiveRule {
  return new AdaptiveRule({
    condition: expressions.condition("default(on, 1) > 0"),
    quota: expressions.number("load"),
    policy,
    ...options,
  });
}

function values(load?: number, on?: number): Map<string, number> {
  return new Map(Object.entries({ load, on }).filter((entry): entry is [string, number] => entry[1] !== undefined));
}

test("without a policy a quota follows its value at once, rounded up", () => {
  const one = rule({});
  assert.deepEqual(one.decide(values(33.4), 0), { isActive: true, quota: 34, reason: "Followed" });
  assert.deepEqual(one.decide(values(50), 1), { isActive: true, quota: 50, reason: "Followed" });
});

test("a quota stays in its bounds", () => {
  const one = rule({ min: 10, max: 20 });
  assert.equal(one.decide(values(5), 0).quota, 10);
  assert.equal(one.decide(values(500), 1).quota, 20);
  assert.equal(one.decide(values(-5), 2).quota, 10);
});

test("a quota of none, or below, changes nothing where no least one is set", () => {
  const one = rule({});
  one.decide(values(40), 0);
  const { quota, reason, message } = one.decide(values(0), 1);
  assert.deepEqual([quota, reason], [40, "NoValues"]);
  assert.match(message ?? "", /would be 0/);
});

test("a condition counts when it has held for long enough", () => {
  const one = rule({ holdFor: 100 });
  assert.equal(one.decide(values(5, 0), 0).isActive, false);
  assert.deepEqual(one.decide(values(5, 1), 10), { isActive: false, quota: 5, reason: "Held", nextIn: 100 });
  assert.equal(one.decide(values(5, 0), 60).isActive, false);
  assert.equal(one.decide(values(5, 1), 70).isActive, false);
  assert.equal(one.decide(values(5, 1), 169).isActive, false);
  assert.equal(one.decide(values(5, 1), 170).isActive, true);
});

test("a quota moves when it has been wanted on one side for long enough", () => {
  const one = rule({ holdFor: 100 });
  one.decide(values(10), 0);
  assert.deepEqual(one.decide(values(20), 10), { isActive: true, quota: 10, reason: "Held", nextIn: 100 });
  assert.equal(one.decide(values(5), 60).quota, 10);
  assert.equal(one.decide(values(30), 70).quota, 10);
  assert.equal(one.decide(values(25), 170).quota, 25);
});

test("a quota goes to what is wanted by steps", () => {
  const one = rule({ largestStep: { by: 10 }, stepEvery: 100 });
  one.decide(values(10), 0);
  assert.deepEqual(one.decide(values(35), 1), { isActive: true, quota: 20, reason: "Held", nextIn: 100 });
  assert.deepEqual(one.decide(values(35), 50), { isActive: true, quota: 20, reason: "Held", nextIn: 51 });
  assert.equal(one.decide(values(35), 101).quota, 30);
  assert.deepEqual(one.decide(values(35), 201), { isActive: true, quota: 35, reason: "Followed" });
  const other = rule({ largestStep: { part: 0.5 }, stepEvery: 100 });
  other.decide(values(10), 0);
  assert.equal(other.decide(values(100), 1).quota, 15);
});

test("without values the last decision stays, then the fallback counts, and values have it again", () => {
  const one = rule({ staleAfter: 100, fallback: 7 });
  one.decide(values(40), 0);
  assert.deepEqual(one.decide(values(), 10), { isActive: true, quota: 40, reason: "NoValues", message: "no value for load", nextIn: 100 });
  assert.equal(one.decide(values(), 109).quota, 40);
  assert.deepEqual(one.decide(values(), 110), { isActive: true, quota: 7, reason: "Stale", message: "no value for load" });
  assert.equal(one.decide(values(40), 120).quota, 40);
});

test("values that did not change for longer than they may be missing are not stale when they go", () => {
  const one = rule({ staleAfter: 100, fallback: 7 });
  one.decide(values(40), 0);
  assert.deepEqual(one.decide(values(), 5_000), {
    isActive: true,
    quota: 40,
    reason: "NoValues",
    message: "no value for load",
    nextIn: 100,
  });
  one.decide(values(40), 5_050);
  assert.equal(one.decide(values(), 5_140).reason, "NoValues");
  assert.equal(one.decide(values(), 5_240).reason, "Stale");
});

test("a rule that resumes what another process has in force goes on from there, and waits anew before it changes", () => {
  const one = rule({ holdFor: 100, staleAfter: 200, fallback: 7 });
  one.decide(values(), 0);
  assert.equal(one.decide(values(), 300).quota, 7);
  one.resume({ isActive: true, quota: 40 });
  assert.deepEqual(one.inForce, { isActive: true, quota: 40 });
  assert.equal(one.decide(values(), 310).quota, 40);
  assert.equal(one.decide(values(60), 320).quota, 40);
  assert.equal(one.decide(values(60), 420).quota, 60);
});

test("without a fallback the last decision stays for ever, and is told to be stale", () => {
  const one = rule({ staleAfter: 100 });
  one.decide(values(40), 0);
  one.decide(values(), 10);
  assert.deepEqual(one.decide(values(), 5_000), { isActive: true, quota: 40, reason: "Stale", message: "no value for load" });
});

test("a rule that never had a value asks for its fallback, and for nothing without one", () => {
  const one = rule({ fallback: 7 });
  for (const now of [0, 1, 100])
    assert.deepEqual(one.decide(values(), now), { isActive: true, quota: 7, reason: "Stale", message: "no value for load" });
  assert.deepEqual(rule({ staleAfter: 50 }).decide(values(), 0), {
    isActive: false,
    quota: undefined,
    reason: "NoValues",
    message: "no value for load",
    nextIn: 50,
  });
});

test("what was in force before a restart stays in force until there are values", () => {
  const one = rule({ fallback: 7, holdFor: 100 }, { inForce: { isActive: true, quota: 40 } });
  assert.equal(one.decide(values(), 0).quota, 40);
  assert.equal(one.decide(values(60), 10).quota, 40);
  assert.equal(one.decide(values(60), 110).quota, 60);
});

test("no sequence of values makes a quota leave its bounds, turn round within its time, step too far, or follow NaN", () => {
  const value = fc.oneof(
    fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -1, 1e308),
    fc.double({ min: -1e4, max: 1e4, noNaN: true }),
    fc.integer({ min: 0, max: 300 }),
  );
  const look = fc.record({ after: fc.integer({ min: 0, max: 500 }), load: value, on: fc.constantFrom(0, 1, undefined, Number.NaN) });
  const policy = fc.record(
    {
      min: fc.integer({ min: 1, max: 100 }),
      max: fc.integer({ min: 100, max: 1_000 }),
      holdFor: fc.integer({ min: 0, max: 1_000 }),
      staleAfter: fc.integer({ min: 0, max: 2_000 }),
      fallback: fc.integer({ min: -10, max: 2_000 }),
      largestStep: fc.oneof(
        fc.record({ by: fc.integer({ min: 1, max: 100 }) }),
        fc.record({ part: fc.double({ min: 0.01, max: 1, noNaN: true }) }),
      ),
      stepEvery: fc.integer({ min: 1, max: 1_000 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(policy, fc.array(look, { maxLength: 60 }), (given, looks) => {
      const laws = new Laws(given);
      const one = rule(given);
      let now = 0;
      for (const { after, load, on } of looks) {
        now += after;
        laws.hold(one.decide(values(load, on), now), load, now);
      }
    }),
    { numRuns: 1_000 },
  );
});

/** What is true of the decisions of a rule, one after the other. */
class Laws {
  readonly #policy: RulePolicy;
  #quota: number | undefined;
  #isActive = false;
  #turn = { side: 0, at: Number.NEGATIVE_INFINITY };
  #movedAt = Number.NEGATIVE_INFINITY;
  #switchedAt = Number.NEGATIVE_INFINITY;

  constructor(policy: RulePolicy) {
    this.#policy = policy;
  }

  hold(decision: Decision, load: number | undefined, now: number): void {
    const before = this.#quota;
    if (decision.quota === undefined) assert.equal(before, undefined, "a quota that was in force is gone");
    else this.#inBounds(decision.quota);
    if (decision.quota !== undefined && before !== undefined && decision.quota !== before)
      this.#move(before, decision.quota, decision, load, now);
    this.#switch(decision.isActive, now);
    this.#quota = decision.quota;
  }

  #inBounds(quota: number): void {
    const { min = 1, max = 4_294_967_295 } = this.#policy;
    assert.ok(Number.isInteger(quota) && quota >= min && quota <= max, `${quota} is out of bounds`);
  }

  #move(before: number, quota: number, { reason }: Decision, load: number | undefined, now: number): void {
    const { holdFor = 0 } = this.#policy;
    const side = Math.sign(quota - before);
    assert.ok(side === this.#turn.side || now - this.#turn.at >= holdFor, "it turned round too soon");
    this.#turn = { side, at: now };
    if (reason === "Stale") return;
    assert.ok(Number.isFinite(load), "it followed what is no number");
    this.#step(before, quota, now);
  }

  #step(before: number, quota: number, now: number): void {
    const { largestStep, stepEvery = 30_000 } = this.#policy;
    if (largestStep === undefined) return;
    const most = "by" in largestStep ? largestStep.by : Math.ceil(before * largestStep.part);
    assert.ok(Math.abs(quota - before) <= Math.max(1, most), "it stepped too far");
    assert.ok(now - this.#movedAt >= stepEvery, "it stepped too soon");
    this.#movedAt = now;
  }

  #switch(isActive: boolean, now: number): void {
    const { holdFor = 0 } = this.#policy;
    if (isActive === this.#isActive) return;
    assert.ok(now - this.#switchedAt >= holdFor || this.#quota === undefined, "it was switched too soon");
    this.#isActive = isActive;
    this.#switchedAt = now;
  }
}
