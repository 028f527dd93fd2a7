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
 * Tallies, and tellers in them, that are remembered of all fences of a namespace in a window: some
 * 150 bytes each. Two hundred fences with fifty hosts each need a tenth of it.
 */
const MOST_REMEMBERED = 100_000;

/**
 * The window of the fences of one namespace, and how much of their calls is remembered.
 *
 * Whoever speaks for them may tell of calls to every Service of the mesh, in every fence's name and
 * each time as another teller. Their hosts are bounded by `maxHosts`, but what a fence turns away
 * was told of, too. So the bound is here; what is beyond it counts as it is told.
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

  /** What is remembered of this window and the one before. */
  get size(): number {
    return this.#remembered + this.#rememberedBefore;
  }

  /** All of them go on to the next window together: one that falls silent must not keep its own. */
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

  /** Whether one thing more may be remembered. */
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
 * How many calls of one fence there were, when several tell of the same ones: the proxy and the
 * fallback, the loggers of two fences for the same pods, a user's own logger beside the fence's.
 * Each tells of its calls once, so the one that tells of most is right.
 *
 * Kept for this window and the one before, so that a teller that was away for long does not count
 * for nothing when it comes back.
 */
export class ToldCalls {
  readonly #window: TellingWindow;
  #now: Record<Way, Map<string, Tally>> = emptyWays();
  #before: Record<Way, Map<string, Tally>> = emptyWays();

  /** @param window of the fence's namespace. Default: one of its own */
  constructor(window: TellingWindow = new TellingWindow()) {
    this.#window = window;
  }

  /** @returns how many of the calls that the teller tells of now nobody has told of */
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

  /** The next window begins. Returns whether anything is remembered of the last one. */
  turn(isNext: boolean): boolean {
    this.#before = isNext ? this.#now : emptyWays();
    this.#now = emptyWays();
    return Object.values(this.#before).some(({ size }) => size > 0);
  }

  /** The fence is gone. */
  forget(): void {
    this.#window.leave(this);
  }

  /** The name under which a teller is remembered: those that are too many share one. */
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

/** No teller of its own has no name. */
const OTHERS = "";

function emptyWays(): Record<Way, Map<string, Tally>> {
  return { http: new Map(), tcp: new Map(), fallback: new Map() };
}
