import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Usage } from "./least-served.ts";
import { type Opener, STREAMS_A_TURN, StreamPace } from "./stream-pace.ts";

/** A connection on which so many streams wait. */
class Streams implements Opener {
  readonly usage = new Usage();
  readonly nextCost = 1;
  readonly #opened: Opener[];
  left: number;

  constructor(left: number, opened: Opener[]) {
    this.left = left;
    this.#opened = opened;
  }

  openOne(): boolean {
    this.#opened.push(this);
    return --this.left > 0;
  }
}

test("T-09 no turn of the event loop opens more streams than it may, on however many connections they wait", async () => {
  const pace = new StreamPace(() => 0);
  const opened: Opener[] = [];
  const first = new Streams(0, opened);
  let atOnce = 0;
  while (pace.take(first)) atOnce++;
  assert.equal(atOnce, STREAMS_A_TURN);
  for (let count = 0; count < 50; count++) pace.wait(new Streams(3, opened));
  let turns = 0;
  for (let before = 0; before < 150; before = opened.length) {
    await turn();
    assert.ok(opened.length - before <= STREAMS_A_TURN);
    turns++;
  }
  assert.equal(turns, Math.ceil(150 / STREAMS_A_TURN));
  await turn();
  assert.equal(pace.take(first), true);
});

test("T-09 a connection that opens its first stream goes ahead of 300 that flood, in its next turn", async () => {
  const pace = new StreamPace(() => 0);
  const opened: Opener[] = [];
  for (let count = 0; count < 300; count++) pace.wait(new Streams(1_000, opened));
  while (opened.length < 3_000) await turn();
  const newcomer = new Streams(1, opened);
  assert.equal(pace.take(newcomer), false, "it may not go ahead of those who wait without its turn");
  pace.wait(newcomer);
  const before = opened.length;
  await turn();
  assert.ok(opened.slice(before).includes(newcomer));
  assert.ok(opened.length - before <= STREAMS_A_TURN);
});

test("T-09 connections that flood have as many streams opened, one as the other", async () => {
  const pace = new StreamPace(() => 0);
  const opened: Opener[] = [];
  const floods = Array.from({ length: 40 }, () => new Streams(10_000, opened));
  for (const flood of floods) pace.wait(flood);
  while (opened.length < 4_000) await turn();
  const counts = floods.map(({ left }) => 10_000 - left);
  assert.ok(Math.max(...counts) <= 4 * Math.min(...counts), `from ${Math.min(...counts)} to ${Math.max(...counts)}`);
});
