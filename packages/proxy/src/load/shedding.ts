import type { LoopSample } from "./event-loop.ts";

/** When to refuse, and how soon. */
export interface SheddingLimits {
  /** Milliseconds that one turn of the event loop may take on average. */
  readonly maxTurn: number;
  /**
   * Milliseconds of processor time that must have gone into turns that are too long, without a
   * break, before the first request is refused. A thread that is kept from the processor has long
   * turns too, whatever its load; once it runs again what has queued is soon done.
   */
  readonly tolerance: number;
  /**
   * Milliseconds for which more connections may wait than a turn takes in before that counts as a
   * turn that is too long. All callers of a proxy that was replaced connect at once: that passes by
   * itself, and who is refused then has to be answered as well.
   */
  readonly burst: number;
}

/**
 * The share changes by this much at most in a second. By time and not by sample, of which long
 * turns leave few: it would rise slowly and fall fast.
 */
const CHANGE_PER_SECOND = 1;
/** Some requests always go through, or nothing would tell that the load has gone. */
const MAX_SHARE = 0.95;

/**
 * What share of new requests to refuse, so that those that are taken wait for a bounded time.
 *
 * A request waits for one turn of the event loop before it is read and for another before its
 * answer is, so the length of a turn is what we add to its latency. It grows with the requests that
 * are ready, without a bound once more arrive than can be forwarded. Two ideas of queue management:
 *
 * - only a turn that *stays* too long tells of overload (CoDel, RFC 8289 §3.2). A garbage
 *   collection, or a burst after it, is one long turn and passes;
 * - what is refused is a share that follows the excess up and down (PIE, RFC 8033 §4.2), not all or
 *   nothing: that would swing between idle and overrun.
 *
 * It begins with the share by which the turn was too long. Having begun late and ending only when
 * the share has come down to nothing is the hysteresis.
 */
export class Shedding {
  readonly #limits: SheddingLimits;
  readonly #random: () => number;
  #share = 0;
  #observedAt = 0;
  /**
   * Processor time of the turns that were too long, except for the first of them; undefined while
   * they are not.
   */
  #longFor: number | undefined;
  /** When connections began to wait for more than a turn; undefined while none do. */
  #queuedSince: number | undefined;

  /** @param random gives numbers in [0, 1) */
  constructor(limits: SheddingLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Share of requests refused now, from 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /**
   * Takes the time since the last sample into account.
   *
   * @param queued more connections waited than turns took in: their requests wait too, though a
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
      // Of what was there in a turn of twice the limit, half would have fitted.
      if (isStanding) this.#share = Math.min(MAX_SHARE, 1 - maxTurn / turn);
      return;
    }
    const excess = Math.max(-1, Math.min(1, (turn - maxTurn) / maxTurn));
    this.#share = Math.max(0, Math.min(MAX_SHARE, this.#share + CHANGE_PER_SECOND * seconds * excess));
  }

  /** Whether to refuse the next request. At random, so that no client is always the one. */
  refusesNext(): boolean {
    return this.#share > 0 && this.#random() < this.#share;
  }
}
