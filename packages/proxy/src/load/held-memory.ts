import { Refusal } from "../refusals/refusal.ts";

/**
 * Most bytes that one call can hold: a header; in each direction a window of HTTP/2, or what
 * node:http reads ahead, and what the stream or socket of the other side accepts before it is full,
 * which is at most one chunk more; and further requests of one read, of which the smallest have 18
 * bytes.
 */
const MOST_EACH = 8 * 1024 * 1024;
/** Milliseconds between two checks. */
const INTERVAL = 50;
/**
 * Checks without progress, 5 s, after which a call may be ended for the limit. A garbage
 * collection, or a new endpoint, takes less.
 */
const LONG = 100;
/** Factor of the limit beyond which any call may be ended. */
const AT_ONCE = 2;

const STALLED = new Refusal("CALL_STALLED", "the call makes no progress, and the memory for calls in flight is used up");

/** A holder of bytes: a call, or a connection with an incomplete header. */
export interface Holder {
  /** Bytes held now. */
  readonly heldBytes: number;
  /** Grows with its progress. */
  readonly takenBytes: number;
  /** Ends it. Called again when it still holds bytes. */
  giveUp(refusal: Refusal): void;
}

/** The holders that are checked. */
export interface LookedAt {
  readonly size: number;
  holders(): readonly Holder[];
}

/** Connections with incomplete headers. */
export interface LookedAtHeaders extends LookedAt {
  /** Most bytes that each of them can hold. */
  readonly mostEach: number;
}

interface Held {
  readonly holder: Holder;
  readonly held: number;
}

interface Ranked extends Held {
  readonly progress: Progress;
}

/** How many of its bytes were read, and at how many consecutive checks this was the same. */
interface Progress {
  readonly taken: number;
  readonly looks: number;
}

/** Its client had time to read the refusal, so it comes before all others. */
const ENDED: Progress = { taken: 0, looks: Number.POSITIVE_INFINITY };

/**
 * Limits the memory of calls in flight: their headers, also incomplete ones, and the bytes of their
 * bodies that the other side has not read. Flow control limits it for each stream and connection,
 * but not the sum: Node opens an HTTP/2 connection's window as soon as a frame was read, so that
 * one stream never blocks another. Envoy's overload manager does the same
 * (`envoy.overload_actions.reset_high_memory_stream`).
 *
 * The memory is checked at intervals and not counted, so it costs a request nothing. There is not
 * even a check while so few calls are in flight, and connections open, that they cannot hold as
 * much.
 */
export class HeldMemory {
  readonly #calls: LookedAt;
  readonly #headers: LookedAtHeaders;
  readonly #limit: number;
  readonly #timer: NodeJS.Timeout;
  #progress = new Map<Holder, Progress>();
  /** Those whose client has not read the refusal yet. */
  readonly #ended = new WeakSet<Holder>();

  /** @param limit bytes that may be held for long */
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
   * If too much is held, ends calls and headers until it is enough: those without progress for
   * long, and if it is far too much, any.
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
    // Holders within their share stay: together they are within the limit.
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

  /** Read once: reading a socket costs more than the rest of a check. */
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
 * First those without progress for long, and of these the largest. A call with progress, however
 * slow, ends last.
 */
function byDesert(holders: readonly Ranked[]): readonly Ranked[] {
  const rankOf = ({ progress: { looks } }: Ranked) => (looks === ENDED.looks ? 3 : looks >= LONG ? 2 : Math.min(looks, 1));
  return holders.toSorted((a, b) => rankOf(b) - rankOf(a) || b.held - a.held);
}
