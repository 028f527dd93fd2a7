import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests, type SmartLimiter } from "@fenceline/api";
import { base, limiterText, rule } from "../testing/limiters.ts";
import { decide, readRules } from "./limiter-rules.ts";

for (const stepEvery of ["0s", "1ms", "999ms"])
  test(`T-14 a quota whose steps are ${stepEvery} apart moves once a second: each move is a write of an EnvoyFilter and of a status`, () => {
    const action = { quota: "a.pod", largestStep: { by: 1 }, stepEvery };
    const [limiter] = parseManifests(limiterText("a", base(rule({}, action))), "a.yaml").objects as readonly SmartLimiter[];
    assert.ok(limiter);
    const [decided] = readRules(limiter, { queries: new Map(), given: ["a.pod"] }, undefined).rules;
    assert.ok(decided);
    const quotaAt = (now: number, value: number) => decide(decided, new Map([["a.pod", value]]), now);
    assert.equal(quotaAt(0, 1).quota, 1);
    const first = quotaAt(10, 100);
    assert.deepEqual([first.quota, first.nextIn], [2, 1_000]);
    const until = Array.from({ length: 99 }, (_, index) => quotaAt(20 + index * 10, 100).quota);
    assert.deepEqual([new Set(until), quotaAt(1_010, 100).quota], [new Set([2]), 3]);
  });

for (const staleAfter of ["0s", "1ms"])
  test(`T-14 values that are missing for less than a second change no quota, though staleAfter is ${staleAfter}`, () => {
    const action = { quota: "a.pod", staleAfter, fallback: 7 };
    const [limiter] = parseManifests(limiterText("a", base(rule({}, action))), "a.yaml").objects as readonly SmartLimiter[];
    assert.ok(limiter);
    const [decided] = readRules(limiter, { queries: new Map(), given: ["a.pod"] }, undefined).rules;
    assert.ok(decided);
    assert.equal(decide(decided, new Map([["a.pod", 3]]), 0).quota, 3);
    const missing = (now: number) => decide(decided, new Map(), now).quota;
    assert.deepEqual([missing(100), missing(1_099), missing(1_100)], [3, 3, 7]);
  });
