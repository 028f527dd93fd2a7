import { Refusal } from "../refusals/refusal.ts";

/**
 * Bytes that one call can hold: a header, and in each direction a window of HTTP/2, or what
 * node:http reads ahead, and what the stream or socket of the other side takes before it says stop,
 * which is at most one chunk more; and the requests that one read brings behind it, of which the
 * smallest have 18 bytes.
 */
const MOST_EACH = 8 * 1024 * 1024;
/** Milliseconds between two looks. */
const INTERVAL = 50;
/**
 * Looks without progress, 5 s, after which a call may end for the limit's sake. A pause for garbage
 * collection, or a new endpoint, takes less.
 */
const LONG = 100;
/** Beyond so many times the limit any call may end. */
const AT_ONCE = 2;

const STALLED = new Refusal("CALL_STALLED", "the call makes no progress, and the memory for calls in flight is used up");

/** Somebody who holds bytes: a call, or a connection with a part of a header. */
export interface Holder {
  /** Bytes held now. */
  readonly heldBytes: number;
  /** Grows as it goes on. */
  readonly takenBytes: number;
  /** Ends it. Called again when it goes on holding anyway. */
  giveUp(refusal: Refusal): void;
}

/** Those that are looked at. */
export interface LookedAt {
  readonly size: number;
  holders(): readonly Holder[];
}

/** Connections with a part of a header. */
export interface LookedAtHeaders extends LookedAt {
  /** Bytes that each of them can hold. */
  readonly mostEach: number;
}

interface Held {
  readonly holder: Holder;
  readonly held: number;
}

interface Ranked extends Held {
  readonly progress: Progress;
}

/** What was taken of its bytes, and at how many looks in a row it has been the same. */
interface Progress {
  readonly taken: number;
  readonly looks: number;
}

/** Its client had time to take the refusal, and comes before all others. */
const ENDED: Progress = { taken: 0, looks: Number.POSITIVE_INFINITY };

/**
 * Bounds the memory of calls in flight: their headers, those too that are not whole yet, and what
 * has come of their bodies and was not taken by the other side. Flow control bounds it for each
 * stream and connection, and for nobody the sum: Node gives an HTTP/2 connection's window back as
 * soon as a frame was read, so that one stream never holds up another. Envoy's overload manager
 * does the same (`envoy.overload_actions.reset_high_memory_stream`).
 *
 * What is held is looked at and not counted, so that a request pays nothing; and not even looked at
 * while so few calls are in flight, and connections open, that they cannot hold as much.
 */
export class HeldMemory {
  readonly #calls: LookedAt;
  readonly #headers: LookedAtHeaders;
  readonly #limit: number;
  readonly #timer: NodeJS.Timeout;
  #progress = new Map<Holder, Progress>();
  /** Those whose client has not taken the refusal yet. */
  readonly #ended = new WeakSet<Holder>();

  /** @param limit of bytes that may be held for long */
  constructor(calls: LookedAt, headers: LookedAtHeaders, limit: number) {
    this.#calls = calls;
    this.#headers = headers;
    this.#limit = limit;
    this.#timer = setInterval(() => this.look(), INTERVAL).unref();
  }

  /** Bytes held now. */
  get bytes(): number {
    return sumOf(this.#held());
  }

  /**
   * Where too much is held, ends calls and headers until it is no more: those that have long stood
   * still, and where it is far too much any.
   */
  look(): void {
    const isWorthIt = this.#calls.size * MOST_EACH + this.#headers.size * this.#headers.mostEach > this.#limit;
    const held = isWorthIt ? this.#held() : [];
    let sum = sumOf(held);
    if (sum <= this.#limit / 2) {
      if (this.#progress.size > 0) this.#progress = new Map();
      return;
    }
    const holders = held.map((one) => ({ ...one, progress: this.#progressOf(one.holder) }));
    this.#progress = new Map(holders.map(({ holder, progress }) => [holder, progress]));
    if (sum <= this.#limit) return;
    // Those that hold no more than their share are left alone: together they are within the limit.
    const share = this.#limit / holders.length;
    for (const { holder, held, progress } of byDesert(holders.filter((candidate) => candidate.held > share))) {
      if (sum <= (progress.looks >= LONG ? this.#limit : this.#limit * AT_ONCE)) return;
      this.#ended.add(holder);
      holder.giveUp(STALLED);
      sum -= held;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Read once: to ask a socket costs more than all else of a look. */
  #held(): readonly Held[] {
    return [...this.#calls.holders(), ...this.#headers.holders()].map((holder) => ({ holder, held: holder.heldBytes }));
  }

  #progressOf(holder: Holder): Progress {
    if (this.#ended.has(holder)) return ENDED;
    const taken = holder.takenBytes;
    const before = this.#progress.get(holder);
    return before?.taken === taken ? { taken, looks: before.looks + 1 } : { taken, looks: 0 };
  }
}

function sumOf(held: readonly Held[]): number {
  return held.reduce((sum, one) => sum + one.held, 0);
}

/**
 * First those that have long stood still, and of them those that hold most. One that goes on,
 * however slowly, is the last to end.
 */
function byDesert(holders: readonly Ranked[]): readonly Ranked[] {
  const rankOf = ({ progress: { looks } }: Ranked) => (looks === ENDED.looks ? 3 : looks >= LONG ? 2 : Math.min(looks, 1));
  return holders.toSorted((a, b) => rankOf(b) - rankOf(a) || b.held - a.held);
}
