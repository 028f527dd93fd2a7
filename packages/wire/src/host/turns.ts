import { LeastServed, Usage } from "./least-served.ts";

/**
 * Longest time in milliseconds that messages are worked on in one turn of the event loop, before
 * sockets, timers and other requests have theirs.
 */
const TURN_MS = 4;
/**
 * Longest time in milliseconds that one stream is worked on while others wait. A message is never
 * cut, so the limits of a message bound it from above.
 */
const SLICE_MS = 0.5;

/**
 * Most milliseconds that one run counts for: where others take the processor meanwhile, the time
 * that passes is not what the stream was given.
 */
const MOST_CHARGED_MS = 2;

/**
 * Streams that share a part of a peer's time: those of one connection, where the peer is an
 * address.
 */
export class Lane {
  readonly usage = new Usage();
  readonly waiting = new LeastServed<Work>();
}

/** What shares a peer's time: its lanes. */
export class PeerTurns {
  readonly usage = new Usage();
  readonly waiting = new LeastServed<Lane>();
}

/** A stream with messages to be worked on. */
export interface Work {
  readonly owner: PeerTurns;
  readonly lane: Lane;
  readonly usage: Usage;
  /** Works on one message. Returns whether there may be another one. */
  step(): boolean;
  /**
   * It has to wait for its turn. Nothing more must be read meanwhile, so that HTTP/2's flow control
   * holds up the sender.
   */
  wait(): void;
}

/**
 * Shares the event loop's time between streams.
 *
 * While there is time, messages are worked on as they are read. Otherwise they wait, and the one
 * that was served least comes first: first the peer, then its lane, then the lane's stream. A
 * stream that sends a message now and then goes ahead of every flood, and a peer with a thousand
 * streams gets no more time than a peer with one. Streams that are always new were never served,
 * but the lane was on which they all come.
 */
export class Turns {
  readonly #waiting = new LeastServed<PeerTurns>();
  readonly #clock: () => number;
  /** When the time of this turn is over; undefined when nobody has asked in it. */
  #turnEnds: number | undefined;

  /** @param clock milliseconds of a monotonic clock */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Works on this stream's messages now, or puts it into the queue. */
  offer(work: Work): void {
    const now = this.#clock();
    if (this.#turnEnds === undefined) this.#begin(now);
    const ends = this.#turnEnds ?? now;
    if (this.#waiting.size === 0 && now < ends && !this.#run(work, now, ends)) return;
    work.wait();
    this.#enqueue(work);
  }

  #begin(now: number): void {
    this.#turnEnds = now + TURN_MS;
    setImmediate(() => {
      this.#turnEnds = undefined;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#waiting.size === 0) return;
    let now = this.#clock();
    this.#begin(now);
    const ends = now + TURN_MS;
    while (now < ends) {
      const peer = this.#waiting.shift();
      const lane = peer?.waiting.shift();
      const work = lane?.waiting.shift();
      if (peer === undefined || lane === undefined || work === undefined) return;
      const isMore = this.#run(work, now, now + SLICE_MS);
      if (isMore) lane.waiting.push(work, work.usage.level);
      if (lane.waiting.size > 0) peer.waiting.push(lane, lane.usage.level);
      if (peer.waiting.size > 0) this.#waiting.push(peer, peer.usage.level);
      now = this.#clock();
    }
  }

  #enqueue(work: Work): void {
    const { owner: peer, lane } = work;
    const now = this.#clock();
    // A lane waits under the peer that it had when it began to. An address that had no stream for a
    // moment is another peer since.
    if (lane.waiting.size === 0) {
      if (peer.waiting.size === 0) this.#waiting.push(peer, peer.usage.levelAt(now));
      peer.waiting.push(lane, lane.usage.levelAt(now));
    }
    lane.waiting.push(work, work.usage.levelAt(now));
  }

  /** Returns whether something is left to do. */
  #run(work: Work, begin: number, ends: number): boolean {
    let now = begin;
    let isMore = true;
    while (isMore && now < ends) {
      isMore = work.step();
      now = this.#clock();
    }
    const spent = Math.min(now - begin, MOST_CHARGED_MS);
    work.usage.add(spent, now);
    work.lane.usage.add(spent, now);
    work.owner.usage.add(spent, now);
    return isMore;
  }
}
