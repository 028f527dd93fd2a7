import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Usage } from "./least-served.ts";
import { Lane, PeerTurns, Turns, type Work } from "./turns.ts";

/** Time that passes only when work is done. */
class Clock {
  ms = 0;
  readonly now = (): number => this.ms;
}

const lanes = new WeakMap<PeerTurns, Lane>();

/** The one lane of a peer, where nothing else is said. */
function laneOf(owner: PeerTurns): Lane {
  const lane = lanes.get(owner) ?? new Lane();
  lanes.set(owner, lane);
  return lane;
}

/** A stream with so many messages, each of which takes so long. */
class Messages implements Work {
  readonly owner: PeerTurns;
  readonly lane: Lane;
  readonly usage = new Usage();
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #done: () => void;
  left: number;
  waited = 0;

  constructor(clock: Clock, owner: PeerTurns, left: number, ms: number, done: () => void = () => {}, lane = laneOf(owner)) {
    this.#clock = clock;
    this.owner = owner;
    this.lane = lane;
    this.left = left;
    this.#ms = ms;
    this.#done = done;
  }

  step(): boolean {
    if (this.left === 0) return false;
    this.left--;
    this.#clock.ms += this.#ms;
    this.#done();
    return this.left > 0;
  }

  wait(): void {
    this.waited++;
  }
}

test("T-09 with nothing else to do, messages are worked on as they are read, and nobody is held up", () => {
  const clock = new Clock();
  const work = new Messages(clock, new PeerTurns(), 10, 0.1);
  new Turns(clock.now).offer(work);
  assert.deepEqual([work.left, work.waited], [0, 0]);
});

test("T-09 a turn of the event loop ends after some milliseconds, whatever waits, and goes on in the next one", async () => {
  const clock = new Clock();
  const turns = new Turns(clock.now);
  const work = new Messages(clock, new PeerTurns(), 100, 1);
  turns.offer(work);
  assert.equal(work.waited, 1);
  assert.ok(100 - work.left <= 5, `${100 - work.left} messages in one turn`);
  while (work.left > 0) {
    const before = work.left;
    await turn();
    assert.ok(before - work.left <= 5, `${before - work.left} messages in one turn`);
  }
});

for (const [flood, peers, streams] of [
  ["one peer with a thousand streams", 1, 1_000],
  ["a thousand peers", 1_000, 1],
] as const) {
  test(`T-09 beside a flood of ${flood} that has been served, a quiet stream of another peer is next`, async () => {
    const clock = new Clock();
    const turns = new Turns(clock.now);
    const owners = Array.from({ length: peers }, () => new PeerTurns());
    const floods = owners.flatMap((owner) => Array.from({ length: streams }, () => new Messages(clock, owner, 1_000_000, 0.1)));
    for (const each of floods) turns.offer(each);
    const done = () => 1_000_000 * floods.length - floods.reduce((sum, { left }) => sum + left, 0);
    while (clock.ms < 2_000) await turn();

    const before = done();
    let after: number | undefined;
    turns.offer(new Messages(clock, new PeerTurns(), 1, 0.1, () => (after = done())));
    while (after === undefined) await turn();

    assert.ok(after - before <= 50, `${after - before} messages of the flood went ahead`);
    for (const each of floods) each.left = 0;
  });
}

test("T-09 a quiet stream from which others took the processor once is not taken for a flood", async () => {
  const clock = new Clock();
  const turns = new Turns(clock.now);
  const owner = new PeerTurns();
  const floods = Array.from({ length: 20 }, () => new Messages(clock, owner, 1_000_000, 0.1));
  const quiet = new Messages(clock, owner, 1, 500);
  turns.offer(quiet);
  for (const each of floods) turns.offer(each);
  const begin = clock.ms;
  while (clock.ms < begin + 200) await turn();
  const before = clock.ms;
  let after: number | undefined;
  const next = new Messages(clock, owner, 1, 0.1, () => (after = clock.ms));
  turns.offer(Object.assign(next, { usage: quiet.usage }));
  while (after === undefined) await turn();
  assert.ok(after - before <= 10, `it waited for ${after - before} ms of the flood's work`);
  for (const each of floods) each.left = 0;
});

test("T-09 of one address: a quiet stream goes ahead of those that were served", async () => {
  const clock = new Clock();
  const turns = new Turns(clock.now);
  const owner = new PeerTurns();
  const floods = Array.from({ length: 200 }, () => new Messages(clock, owner, 1_000_000, 0.1));
  for (const each of floods) turns.offer(each);
  while (clock.ms < 2_000) await turn();
  const before = clock.ms;
  let after: number | undefined;
  turns.offer(new Messages(clock, owner, 1, 0.1, () => (after = clock.ms)));
  while (after === undefined) await turn();
  assert.ok(after - before <= 5, `it waited for ${after - before} ms of the flood's work`);
  for (const each of floods) each.left = 0;
});

for (const [what, isOnePeer] of [
  ["of its own peer", true],
  ["of peers", false],
] as const) {
  test(`T-09 streams ${what} that end behind their first message, and come again, do not keep out one that was served`, async () => {
    const clock = new Clock();
    const turns = new Turns(clock.now);
    const owner = new PeerTurns();
    let isOver = false;
    // Each is new, so none was ever served; it takes longer than the lowest level stands for.
    const comeAgain = (): void => {
      if (isOver) return;
      const again = new Messages(clock, isOnePeer ? owner : new PeerTurns(), 1, 1, () => setImmediate(comeAgain));
      turns.offer(again);
    };
    const served = new Messages(clock, owner, 1, 2);
    turns.offer(served);
    for (let count = 0; count < 100; count += 1) comeAgain();
    await turn();
    const before = clock.ms;
    let after: number | undefined;
    turns.offer(Object.assign(new Messages(clock, owner, 1, 0.1, () => (after = clock.ms)), { usage: served.usage }));
    while (after === undefined && clock.ms < before + 5_000) await turn();
    isOver = true;
    assert.ok(after !== undefined && after - before <= 50, `it waited for ${(after ?? clock.ms) - before} ms of the others' work`);
  });
}

test("T-09 of one address: streams of one connection that are always new wait behind a new stream of another connection", async () => {
  const clock = new Clock();
  const turns = new Turns(clock.now);
  const owner = new PeerTurns();
  const flooding = new Lane();
  let served = 0;
  let isOver = false;
  const comeAgain = (): void => {
    if (isOver) return;
    served += 1;
    turns.offer(new Messages(clock, owner, 1, 1, () => setImmediate(comeAgain), flooding));
  };
  for (let count = 0; count < 1_000; count += 1) comeAgain();
  while (clock.ms < 2_000) await turn();
  const before = clock.ms;
  let after: number | undefined;
  turns.offer(new Messages(clock, owner, 1, 0.1, () => (after = clock.ms), new Lane()));
  while (after === undefined) await turn();
  isOver = true;
  assert.ok(served > 1_000, "the flood went on");
  assert.ok(after - before <= 10, `it waited for ${after - before} ms of the flood's work`);
});
