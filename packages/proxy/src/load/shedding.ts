import type { LoopSample } from "./event-loop.ts";

/** When requests are refused, and how soon. */
export interface SheddingLimits {
  /** Longest turn of the event loop on average, in milliseconds. */
  readonly maxTurn: number;
  /**
   * Milliseconds of CPU time in consecutive turns that are too long, before the first request is
   * refused. A thread that does not get the CPU has long turns too, whatever its load. When it runs
   * again, its queue is soon empty.
   */
  readonly tolerance: number;
  /**
   * Milliseconds for which more connections may wait than a turn accepts, before this counts as too
   * long a turn. All callers of a replaced proxy connect at once. This passes by itself, and a
   * refusal also needs an answer.
   */
  readonly burst: number;
}

/**
 * Most change of the share in a second. It is measured by time, not by samples: with long turns
 * there are few samples, so the share would rise slowly and fall fast.
 */
const CHANGE_PER_SECOND = 1;
/** Some requests always pass. Otherwise nothing would show that the load has gone. */
const MAX_SHARE = 0.95;

/**
 * The share of new requests to refuse, so that admitted requests wait for a limited time.
 *
 * A request waits for one turn of the event loop before it is read, and for another before its
 * answer is. So we add the length of turns to its latency. A turn grows with the number of ready
 * requests, without limit once more arrive than can be forwarded. Two ideas of queue management are
 * used:
 *
 * - only turns that *stay* too long show overload (CoDel, RFC 8289 §3.2). A garbage collection, or
 *   a burst after it, is one long turn and passes;
 * - the refused share follows the excess up and down (PIE, RFC 8033 §4.2). With all or nothing,
 *   load would swing between idle and overload.
 *
 * It begins with the share by which the turn was too long. The hysteresis is that it begins late,
 * and ends only when the share is 0.
 */
export class Shedding {
  readonly #limits: SheddingLimits;
  readonly #random: () => number;
  #share = 0;
  #observedAt = 0;
  /**
   * CPU time of the turns that were too long, without the first of them; undefined while they are
   * not too long.
   */
  #longFor: number | undefined;
  /** When connections began to wait for more than a turn; undefined while none do. */
  #queuedSince: number | undefined;

  /** @param random gives numbers in [0, 1) */
  constructor(limits: SheddingLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Share of requests that is refused now, from 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /**
   * Takes over a sample.
   *
   * @param queued more connections waited than turns accepted: their requests wait, too, although a
   * turn itself may be short
   */
  observe({ now, turn: meanTurn, cpu }: Pick<LoopSample, "now" | "turn" | "cpu">, queued = false): void {
    const { maxTurn, tolerance, burst } = this.#limits;
    const seconds = (now - this.#observedAt) / 1_000;
    this.#observedAt = now;
    this.#queuedSince = queued ? (this.#queuedSince ?? now) : undefined;
    const isBacklog = this.#queuedSince !== undefined && now - this.#queuedSince >= burst;
    const turn = isBacklog ? Math.max(meanTurn, 2 * maxTurn) : meanTurn;
    if (turn <= maxTurn) this.#longFor = undefined;
    else this.#longFor = this.#longFor === undefined ? 0 : this.#longFor + cpu;
    const isStanding = this.#longFor !== undefined && this.#longFor >= tolerance;
    if (this.#share === 0) {
      // Half of the requests in a turn of twice the limit would have fitted.
      if (isStanding) this.#share = Math.min(MAX_SHARE, 1 - maxTurn / turn);
      return;
    }
    const excess = Math.max(-1, Math.min(1, (turn - maxTurn) / maxTurn));
    this.#share = Math.max(0, Math.min(MAX_SHARE, this.#share + CHANGE_PER_SECOND * seconds * excess));
  }

  /**
   * Whether to refuse the next request. It is random, so that it does not always hit the same
   * client.
   */
  refusesNext(): boolean {
    return this.#share > 0 && this.#random() < this.#share;
  }
}
