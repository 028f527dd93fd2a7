import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectRef } from "@fenceline/api";
import type { Obstacle } from "@fenceline/store";
import { Obstacles } from "./obstacles.ts";

const FENCE = { kind: "ServiceFence", namespace: "test1", name: "a" };
const SIDECAR = { ...FENCE, kind: "Sidecar" };
const CONFLICT: Obstacle = { reason: "Conflict", ...SIDECAR, message: "somebody else's" };

/** Obstacles in a time that the test controls, and a write that the test lets fail. */
function setUp() {
  const told: string[] = [];
  let now = 0;
  let runs = 0;
  let answer: Obstacle | undefined = CONFLICT;
  const obstacles = new Obstacles({ clock: () => now, onChange: (_, { kind }, obstacle) => told.push(`${kind} ${obstacle?.reason}`) });
  const attempt = (write: unknown = "x", object: ObjectRef = SIDECAR) =>
    obstacles.attempt(FENCE, object, write, async () => {
      runs += 1;
      return answer;
    });
  return {
    obstacles,
    told,
    attempt,
    runs: () => runs,
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    answerWith: (obstacle: Obstacle | undefined) => {
      answer = obstacle;
    },
  };
}

test("a write that met an obstacle is tried again after pauses that double up to half a minute, and told once", async () => {
  const { obstacles, attempt, runs, advance, told } = setUp();
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    assert.equal(await attempt(), CONFLICT);
    const before = runs();
    const wait = obstacles.retryAfter(FENCE) ?? 0;
    assert.ok(wait > pause / 2 - 1 && wait <= pause, `${wait} of ${pause}`);
    advance(wait - 1);
    assert.equal(await attempt(), CONFLICT);
    assert.equal(runs(), before);
    advance(1);
  }
  assert.deepEqual(told, ["Sidecar Conflict"]);
});

test("a write that is another one is tried at once", async () => {
  const { attempt, runs } = setUp();
  await attempt("x");
  await attempt("y");
  assert.equal(runs(), 2);
});

test("another reason is news; an obstacle that is gone leaves nothing behind, and the next one starts over", async () => {
  const { obstacles, attempt, advance, answerWith, told } = setUp();
  await attempt();
  advance(1_000);
  answerWith({ ...CONFLICT, reason: "WriteForbidden" });
  await attempt();
  advance(2_000);
  answerWith(undefined);
  assert.equal(await attempt(), undefined);
  assert.deepEqual([obstacles.of(FENCE), obstacles.all(), obstacles.retryAfter(FENCE)], [[], [], undefined]);
  answerWith(CONFLICT);
  await attempt();
  assert.ok((obstacles.retryAfter(FENCE) ?? 0) <= 1_000);
  assert.deepEqual(told, ["Sidecar Conflict", "Sidecar WriteForbidden", "Sidecar undefined", "Sidecar Conflict"]);
});

test("two objects of one kind have an obstacle each, and none hides the other's", async () => {
  const { obstacles, attempt, advance, answerWith, told } = setUp();
  const other = { ...SIDECAR, name: "b" };
  const forbidden: Obstacle = { ...CONFLICT, ...other, reason: "WriteForbidden" };
  await attempt("x");
  answerWith(forbidden);
  await attempt("x", other);
  assert.deepEqual(obstacles.of(FENCE), [CONFLICT, forbidden]);
  advance(1_000);
  answerWith(undefined);
  await attempt("x");
  assert.deepEqual(obstacles.of(FENCE), [forbidden]);
  await attempt("y", SIDECAR);
  assert.deepEqual([obstacles.of(FENCE), told], [[forbidden], ["Sidecar Conflict", "Sidecar WriteForbidden", "Sidecar undefined"]]);
});

test("of objects that are not to be written any more nothing is left, but the status has its own", async () => {
  const { obstacles, attempt } = setUp();
  await attempt("x");
  await attempt("status", FENCE);
  obstacles.clearOthers(FENCE, [FENCE]);
  assert.deepEqual(obstacles.all().length, 1);
  obstacles.clear(FENCE, FENCE);
  assert.deepEqual(obstacles.all(), []);
});
