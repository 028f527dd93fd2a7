import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TellingWindow, ToldCalls } from "./told-calls.ts";

test("T-31 law: whoever tells in whatever order, what counts is the most that any one of them told", () => {
  const tellers = ["own", "other", "fallback"] as const;
  const steps = fc.array(fc.record({ teller: fc.constantFrom(...tellers), calls: fc.nat(20), after: fc.nat(500) }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, (all) => {
      const told = new ToldCalls();
      const sums = new Map<string, number>();
      let counted = 0;
      let at = 0;
      for (const { teller, calls, after } of all) {
        at += after;
        const fresh = told.fresh("b", "http", teller, calls, at);
        assert.ok(fresh >= 0 && fresh <= calls);
        counted += fresh;
        sums.set(teller, (sums.get(teller) ?? 0) + calls);
      }
      assert.equal(counted, Math.max(0, ...sums.values()));
    }),
  );
});

test("T-31 hosts, ways of a call and windows are apart; a clock that was set back loses no call", () => {
  const told = new ToldCalls();
  assert.equal(told.fresh("b", "http", "own", 5, 0), 5);
  assert.equal(told.fresh("c", "http", "other", 5, 0), 5);
  assert.equal(told.fresh("b", "tcp", "other", 5, 0), 5);
  assert.equal(told.fresh("b", "fallback", "other", 5, 0), 5);
  assert.equal(told.fresh("b", "http", "other", 7, 61_000), 2);
  assert.equal(told.fresh("b", "http", "own", 7, 200_000), 7);
  assert.equal(told.fresh("b", "http", "third", 4, 0), 4);
});

test("T-31 however many names a sender gives itself, few of them are kept, and none makes a call count that others told of", () => {
  const told = new ToldCalls();
  assert.equal(told.fresh("b", "http", "own", 1_000, 0), 1_000);
  let counted = 0;
  for (let n = 0; n < 500; n += 1) counted += told.fresh("b", "http", `made-up-${n}`, 1, 0);
  assert.equal(counted, 0);
});

test("T-10 of a namespace a bounded number of hosts and tellers is remembered, however many fences, hosts and names it tells of", () => {
  const window = new TellingWindow(1_000);
  const fences = Array.from({ length: 20 }, () => new ToldCalls(window));
  const tellOfMuch = (at: number) => {
    for (const fence of fences)
      for (let host = 0; host < 200; host += 1)
        for (let teller = 0; teller < 4; teller += 1) fence.fresh(`h${host}`, "http", `t${teller}`, 1, at);
  };
  tellOfMuch(0);
  assert.equal(window.size, 1_000);
  tellOfMuch(60_000);
  assert.equal(window.size, 2_000);
  // What there is no room for counts as it is told, and what is remembered is right as before.
  assert.equal(fences[19]?.fresh("new", "http", "own", 5, 60_000), 5);
  assert.equal(fences[0]?.fresh("h0", "http", "t0", 3, 60_000), 3);
  assert.equal(fences[0]?.fresh("h0", "http", "t1", 3, 60_000), 0);
});

test("T-10 what a fence was told of leaves with the windows of its namespace, also where it is told of no more", () => {
  const window = new TellingWindow();
  const [silent, busy] = [new ToldCalls(window), new ToldCalls(window)];
  silent.fresh("b", "http", "own", 5, 0);
  busy.fresh("b", "http", "own", 1, 60_000);
  assert.equal(window.size, 4);
  assert.equal(silent.fresh("b", "http", "other", 5, 60_000), 0);
  busy.fresh("b", "http", "own", 1, 120_000);
  busy.fresh("b", "http", "own", 1, 180_000);
  assert.equal(window.size, 4);
  assert.equal(silent.fresh("b", "http", "other", 5, 180_000), 5);
});
