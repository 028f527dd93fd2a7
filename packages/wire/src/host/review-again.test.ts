import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { CallerRefusal } from "./caller-check.ts";
import { REVIEWED_EVERY_MS, reviewAgain } from "./review-again.ts";

/** How long `TokenReviews` of packages/kubernetes believes a yes. */
const REMEMBERED = 60_000;
const FIVE_MINUTES = 5 * 60_000;
const REFUSED: CallerRefusal = { code: "UNAUTHENTICATED", details: "revoked" };
const AWAY: CallerRefusal = { code: "UNAVAILABLE", details: "try again" };

/** A caller that was let in at 0, and every look at it, under a clock that the test moves. */
function admit(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const admitted = { verdict: undefined as CallerRefusal | undefined, looks: [] as number[], refusedAt: undefined as number | undefined };
  const check = async () => {
    admitted.looks.push(now);
    return admitted.verdict;
  };
  const onRefused = () => {
    admitted.refusedAt = now;
  };
  t.after(reviewAgain({ call: { headers: {}, peer: "p" }, check, onRefused }));
  const pass = async (milliseconds: number) => {
    for (const end = now + milliseconds; now < end; ) {
      now += 1_000;
      t.mock.timers.tick(1_000);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return Object.assign(admitted, { pass });
}

test("T-01 a token that is revoked ends its stream within five minutes, with the time for which its last review is remembered", async (t) => {
  const admitted = admit(t);
  await admitted.pass(60 * 60_000);
  const pauses = admitted.looks.map((look, at) => look - (admitted.looks[at - 1] ?? 0));
  assert.ok(Math.max(...pauses) <= REVIEWED_EVERY_MS + 1_000 && Math.min(...pauses) > REVIEWED_EVERY_MS / 3, `${pauses}`);
  assert.ok(REVIEWED_EVERY_MS + REMEMBERED <= FIVE_MINUTES);
  const revokedAt = 60 * 60_000;
  admitted.verdict = REFUSED;
  await admitted.pass(REVIEWED_EVERY_MS + 1_000);
  assert.ok((admitted.refusedAt ?? Number.POSITIVE_INFINITY) <= revokedAt + REVIEWED_EVERY_MS + 1_000);
});

test("T-01 a look at which nobody could tell is repeated soon, so that an API server that was away for a moment lengthens nothing", async (t) => {
  const admitted = admit(t);
  admitted.verdict = AWAY;
  await admitted.pass(FIVE_MINUTES);
  assert.equal(admitted.refusedAt, undefined);
  const looks = admitted.looks.length;
  assert.ok(looks > 3, `${looks} looks`);
  admitted.verdict = REFUSED;
  await admitted.pass(15_000);
  assert.ok(admitted.refusedAt !== undefined);
});
