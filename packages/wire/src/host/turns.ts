import { LeastServed, Usage } from "./least-served.ts";

/**
 * Most milliseconds of work on messages in one turn of the event loop, before sockets, timers and
 * other requests have theirs.
 */
const TURN_MS = 4;
/**
 * Most milliseconds of work on one stream while others wait. A message is never interrupted, so the
 * real bound is the limit of a message.
 */
const SLICE_MS = 0.5;

/**
 * Most milliseconds that one run counts. If other processes have the CPU meanwhile, the stream did
 * not get the time that has passed.
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

/** The lanes of a peer, which share its time. */
export class PeerTurns {
  readonly usage = new Usage();
  readonly waiting = new LeastServed<Lane>();
}

/** A stream with messages to be processed. */
export interface Work {
  readonly owner: PeerTurns;
  readonly lane: Lane;
  readonly usage: Usage;
  /** Processes one message. Returns whether there may be another one. */
  step(): boolean;
  /**
   * It has to wait for its turn. Nothing more must be read meanwhile, so that HTTP/2's flow control
   * slows down the sender.
   */
  wait(): void;
}

/**
 * Shares the event loop's time between streams.
 *
 * While there is time, messages are processed as they are read. Otherwise they wait, and what was
 * served least comes first: the peer, then its lane, then the lane's stream. So a stream with few
 * messages overtakes every flood, and a peer with a thousand streams gets no more time than a peer
 * with one. A new stream was never served, but its lane was, so that always opening new streams
 * gives no advantage.
 */
export class Turns {
  readonly #waiting = new LeastServed<PeerTurns>();
  readonly #clock: () => number;
  /** When the time of this turn is over; undefined when it was not asked for in this turn. */
  #turnEnds: number | undefined;

  /** @param clock milliseconds of a monotonic clock */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Processes this stream's messages now, or puts it into the queue. */
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
    // A lane waits with the peer that it had when it began to wait. An address without streams for
    // a moment becomes another peer.
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
