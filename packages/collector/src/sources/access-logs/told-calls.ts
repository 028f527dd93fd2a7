/** The ways of a call, which are never told in the same breath. */
export type Way = "http" | "tcp" | "fallback";

/** What was told of one host, by one way, in a window. */
interface Tally {
  /** Calls that were counted. */
  counted: number;
  /** Calls that each teller told of. */
  readonly told: Map<string, number>;
}

/**
 * Milliseconds of a window. Of one call a proxy tells within its flush interval, and the fallback
 * within some seconds.
 */
const WINDOW_MS = 60_000;
/** Tellers of one host that are told apart. */
const MAX_TELLERS = 8;

/**
 * How many calls of one fence there were, when several tell of the same ones: the proxy and the
 * fallback, the loggers of two fences for the same pods, a user's own logger beside the fence's.
 * Each tells of its calls once, so the one that tells of most is right.
 *
 * Kept for this window and the one before, so that a teller that was away for long does not count
 * for nothing when it comes back.
 */
export class ToldCalls {
  #now: Record<Way, Map<string, Tally>> = emptyWays();
  #before: Record<Way, Map<string, Tally>> = emptyWays();
  #since = Number.NEGATIVE_INFINITY;

  /** @returns how many of the calls that the teller tells of now nobody has told of */
  fresh(host: string, way: Way, teller: string, calls: number, at: number): number {
    if (calls === 0) return 0;
    this.#turn(at);
    const tally = this.#tallyOf(host, way);
    const before = this.#before[way].get(host);
    const name = tally.told.has(teller) || tally.told.size < MAX_TELLERS ? teller : "";
    const told = tally.told.get(name) ?? 0;
    const ahead = tally.counted + (before?.counted ?? 0) - told - (before?.told.get(name) ?? 0);
    const fresh = calls - Math.min(calls, Math.max(0, ahead));
    tally.told.set(name, told + calls);
    tally.counted += fresh;
    return fresh;
  }

  #tallyOf(host: string, way: Way): Tally {
    const known = this.#now[way].get(host);
    if (known !== undefined) return known;
    const tally = { counted: 0, told: new Map<string, number>() };
    this.#now[way].set(host, tally);
    return tally;
  }

  /** A clock that was set back begins a window, too. */
  #turn(at: number): void {
    const elapsed = at - this.#since;
    if (elapsed >= 0 && elapsed < WINDOW_MS) return;
    this.#before = elapsed >= 0 && elapsed < 2 * WINDOW_MS ? this.#now : emptyWays();
    this.#now = emptyWays();
    this.#since = at;
  }
}

function emptyWays(): Record<Way, Map<string, Tally>> {
  return { http: new Map(), tcp: new Map(), fallback: new Map() };
}
