/** How a call was made. Calls of two ways are never reported together. */
export type Way = "http" | "tcp" | "fallback";

/** What was reported for one host, by one way, in a window. */
interface Tally {
  /** Calls that were counted. */
  counted: number;
  /** Calls that each sender reported. */
  readonly told: Map<string, number>;
}

/**
 * Milliseconds of a window. A proxy reports a call within its flush interval, and the fallback
 * within some seconds.
 */
const WINDOW_MS = 60_000;
/** Most senders for one host that are told apart. */
const MAX_TELLERS = 8;

/**
 * Most tallies, and senders in them, that are kept for all fences of a namespace in a window: some
 * 150 bytes each. Two hundred fences with fifty hosts each need a tenth of it.
 */
const MOST_REMEMBERED = 100_000;

/**
 * The window of the fences of one namespace, and how much of their calls is kept.
 *
 * Whoever may report for them could report calls to every Service of the mesh, in the name of every
 * fence and each time as another sender. Their hosts are bounded by `maxHosts`, but calls that a
 * fence does not learn are reported, too. So the bound is here. What exceeds it is counted as
 * reported.
 */
export class TellingWindow {
  readonly #most: number;
  readonly #members = new Set<ToldCalls>();
  #since = Number.NEGATIVE_INFINITY;
  #remembered = 0;
  #rememberedBefore = 0;

  constructor(most: number = MOST_REMEMBERED) {
    this.#most = most;
  }

  /** What is kept of this window and the one before. */
  get size(): number {
    return this.#remembered + this.#rememberedBefore;
  }

  /** All of them begin the next window together: one that gets no reports must not keep its own. */
  turn(at: number): void {
    const elapsed = at - this.#since;
    // A clock that was set back begins a window, too.
    if (elapsed >= 0 && elapsed < WINDOW_MS) return;
    const isNext = elapsed >= 0 && elapsed < 2 * WINDOW_MS;
    this.#since = at;
    this.#rememberedBefore = isNext ? this.#remembered : 0;
    this.#remembered = 0;
    for (const member of this.#members) if (!member.turn(isNext)) this.#members.delete(member);
  }

  /** Whether one more thing may be kept. */
  take(member: ToldCalls): boolean {
    if (this.#remembered >= this.#most) return false;
    this.#remembered += 1;
    this.#members.add(member);
    return true;
  }

  /** A fence is gone. */
  leave(member: ToldCalls): void {
    this.#members.delete(member);
  }
}

/**
 * How many calls of one fence there were, when several senders report the same ones: the proxy and
 * the fallback, the loggers of two fences for the same pods, a user's own logger beside the
 * fence's. Each reports its calls once, so the one that reports most is right.
 *
 * Counts are kept for this window and the one before, so that the calls of a sender that was away
 * for long are counted when it comes back.
 */
export class ToldCalls {
  readonly #window: TellingWindow;
  #now: Record<Way, Map<string, Tally>> = emptyWays();
  #before: Record<Way, Map<string, Tally>> = emptyWays();

  /** @param window of the fence's namespace. Default: one of its own */
  constructor(window: TellingWindow = new TellingWindow()) {
    this.#window = window;
  }

  /** @returns how many of the calls that are reported now nobody has reported yet */
  fresh(host: string, way: Way, teller: string, calls: number, at: number): number {
    if (calls === 0) return 0;
    this.#window.turn(at);
    const tally = this.#tallyOf(host, way);
    if (tally === undefined) return calls;
    const before = this.#before[way].get(host);
    const name = this.#nameIn(tally, teller);
    const told = tally.told.get(name) ?? 0;
    const ahead = tally.counted + (before?.counted ?? 0) - told - (before?.told.get(name) ?? 0);
    const fresh = calls - Math.min(calls, Math.max(0, ahead));
    tally.told.set(name, told + calls);
    tally.counted += fresh;
    return fresh;
  }

  /** The next window begins. Returns whether anything is kept of the last one. */
  turn(isNext: boolean): boolean {
    this.#before = isNext ? this.#now : emptyWays();
    this.#now = emptyWays();
    return Object.values(this.#before).some(({ size }) => size > 0);
  }

  /** The fence is gone. */
  forget(): void {
    this.#window.leave(this);
  }

  /** The name under which a sender is kept: those that are too many share one. */
  #nameIn({ told }: Tally, teller: string): string {
    if (told.has(teller)) return teller;
    return told.size < MAX_TELLERS && this.#window.take(this) ? teller : OTHERS;
  }

  #tallyOf(host: string, way: Way): Tally | undefined {
    const known = this.#now[way].get(host);
    if (known !== undefined || !this.#window.take(this)) return known;
    const tally = { counted: 0, told: new Map<string, number>() };
    this.#now[way].set(host, tally);
    return tally;
  }
}

/** No sender has an empty name. */
const OTHERS = "";

function emptyWays(): Record<Way, Map<string, Tally>> {
  return { http: new Map(), tcp: new Map(), fallback: new Map() };
}
