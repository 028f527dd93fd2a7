import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ElectionState, INITIAL_STATE, LEASE_TIMES, LONGEST_LEASE, mayClaim, mayWrite, observed, renewed } from "./election-state.ts";
import type { LeaseView } from "./lease-object.ts";

const lease = (holder: string, resourceVersion = "1"): LeaseView => ({
  holder,
  durationSeconds: 15,
  acquireTime: undefined,
  transitions: 0,
  resourceVersion,
});

test("a Lease that does not exist, is free or is ours may be claimed at once", () => {
  for (const known of [undefined, lease(""), lease("me")]) assert.ok(mayClaim(observed(INITIAL_STATE, known, 0), "me", 0));
});

test("E3-06 another's Lease may be claimed only after it stood unchanged for its duration, in our own time", () => {
  const seen = observed(observed(INITIAL_STATE, lease("other"), 1_000), lease("other"), 9_000);
  assert.equal(mayClaim(seen, "me", 15_999), false);
  assert.equal(mayClaim(seen, "me", 16_000), true);
  const renewedByOther = observed(seen, lease("other", "2"), 15_000);
  assert.equal(mayClaim(renewedByOther, "me", 29_999), false);
});

test("E3-06 another's Lease is waited for a minute at most, however long it says it is taken for", () => {
  for (const durationSeconds of [61, 1e9, Number.POSITIVE_INFINITY]) {
    const seen = observed(INITIAL_STATE, { ...lease("other"), durationSeconds }, 0);
    assert.deepEqual([mayClaim(seen, "me", LONGEST_LEASE - 1), mayClaim(seen, "me", LONGEST_LEASE)], [false, true]);
  }
});

test("E3-06 a leader's time counts from before its request was sent", () => {
  const state = renewed(lease("me"), 1_000, LEASE_TIMES);
  assert.equal(mayWrite(state, 10_999), true);
  assert.equal(mayWrite(state, 11_000), false);
});

/**
 * One try of a candidate: when it begins after the one before, and how long its write takes to the
 * server and the answer back, in milliseconds.
 */
interface Try {
  readonly wait: number;
  readonly there: number;
  readonly back: number;
}

/**
 * Plays candidates against one Lease. Calls `check` after every event with the number of candidates
 * that may write at that moment.
 */
function play(plans: readonly (readonly Try[])[], check: (writers: number) => void): void {
  const states: ElectionState[] = plans.map(() => INITIAL_STATE);
  const events: { readonly at: number; readonly run: (now: number) => void }[] = [];
  let server: LeaseView | undefined;
  let versions = 0;
  const begin = (who: number, [next, ...rest]: readonly Try[], now: number): void => {
    if (next === undefined) return;
    events.push({ at: now + next.wait, run: (at) => claim(who, next, rest, at) });
  };
  const claim = (who: number, { there, back }: Try, rest: readonly Try[], sentAt: number) => {
    const state = mayWrite(states[who] ?? INITIAL_STATE, sentAt)
      ? (states[who] ?? INITIAL_STATE)
      : observed(states[who] ?? INITIAL_STATE, server, sentAt);
    states[who] = state;
    if (!mayClaim(state, String(who), sentAt)) return begin(who, rest, sentAt);
    events.push({
      at: sentAt + there,
      run: (now) => {
        if (server?.resourceVersion !== state.lease?.resourceVersion) return begin(who, rest, now);
        versions += 1;
        const written = lease(String(who), String(versions));
        server = written;
        events.push({
          at: now + back,
          run: (at) => {
            states[who] = renewed(written, sentAt, LEASE_TIMES);
            begin(who, rest, at);
          },
        });
      },
    });
  };
  for (const [who, plan] of plans.entries()) begin(who, plan, 0);
  for (let event = take(events); event !== undefined; event = take(events)) {
    const { at } = event;
    event.run(at);
    check(states.filter((state) => mayWrite(state, at)).length);
  }
}

function take<T extends { readonly at: number }>(events: T[]): T | undefined {
  events.sort((a, b) => a.at - b.at);
  return events.shift();
}

test("law: however slow requests and answers are, two candidates never may write at the same time", () => {
  // Mostly the usual, sometimes about as long as a Lease lasts: there the faults would be.
  const milliseconds = (usual: number) =>
    fc.oneof(fc.integer({ min: 0, max: usual }), fc.integer({ min: 0, max: usual }), fc.integer({ min: 0, max: 18_000 }));
  const oneTry = fc.record({ wait: milliseconds(4_000), there: milliseconds(100), back: milliseconds(100) });
  const tries = fc.array(oneTry, { minLength: 1, maxLength: 12, size: "max" });
  let terms = 0;
  fc.assert(
    fc.property(fc.array(tries, { minLength: 2, maxLength: 3 }), (plans) => {
      play(plans, (writers) => {
        assert.ok(writers < 2);
        terms += writers;
      });
    }),
    { numRuns: 2_000 },
  );
  assert.ok(terms > 100);
});
