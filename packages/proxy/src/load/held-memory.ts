import type { Call } from "../call.ts";
import { Refusal } from "../refusal.ts";

/**
 * Bytes that one call can hold: a header, and in each direction a window of HTTP/2, or what node:http reads ahead, and what the stream or socket of the
 * other side takes before it says stop, which is at most one chunk more.
 */
const MOST_EACH = 512 * 1024;
/** Milliseconds between two looks. */
const INTERVAL = 50;
/** Looks without progress, 5 s, after which a call may end for the limit's sake. A pause for garbage collection, or a new endpoint, takes less. */
const LONG = 100;
/** Beyond so many times the limit any call may end. */
const AT_ONCE = 2;

const STALLED = new Refusal("CALL_STALLED", "nothing goes on, and the memory for calls in flight is used up");

/** Calls that are looked at. */
export interface LookedAt {
  readonly size: number;
  all(): readonly Call[];
}

interface Holder {
  readonly call: Call;
  readonly held: number;
  readonly progress: Progress;
}

/** What was taken of a call's bodies, and at how many looks in a row it has been the same. */
interface Progress {
  readonly taken: number;
  readonly looks: number;
}

/** Its client had time to take the refusal, and comes before all others. */
const ENDED: Progress = { taken: 0, looks: Number.POSITIVE_INFINITY };

/**
 * Bounds the memory of calls in flight: their headers, and what has come of their bodies and was not taken by the other side. Flow control bounds it
 * for each stream and connection, and for nobody the sum: Node gives an HTTP/2 connection's window back as soon as a frame was read, so that one stream
 * never holds up another. Envoy's overload manager does the same (`envoy.overload_actions.reset_high_memory_stream`).
 *
 * What is held is looked at and not counted, so that a request pays nothing; and not even looked at while so few calls are in flight that they cannot
 * hold as much.
 */
export class HeldMemory {
  readonly #calls: LookedAt;
  readonly #limit: number;
  readonly #timer: NodeJS.Timeout;
  #progress = new Map<Call, Progress>();
  /** Those whose client has not taken the refusal yet. */
  readonly #ended = new WeakSet<Call>();

  /** @param limit of bytes that calls may hold for long */
  constructor(calls: LookedAt, limit: number) {
    this.#calls = calls;
    this.#limit = limit;
    this.#timer = setInterval(() => this.look(), INTERVAL).unref();
  }

  /** Bytes held now. */
  get bytes(): number {
    let sum = 0;
    for (const { heldBytes } of this.#calls.all()) sum += heldBytes;
    return sum;
  }

  /** Where too much is held, ends calls until it is no more: those that have long stood still, and where it is far too much any. */
  look(): void {
    const isWorthIt = this.#calls.size * MOST_EACH > this.#limit;
    let sum = isWorthIt ? this.bytes : 0;
    if (sum <= this.#limit / 2) {
      if (this.#progress.size > 0) this.#progress = new Map();
      return;
    }
    const holders = this.#holders();
    this.#progress = new Map(holders.map(({ call, progress }) => [call, progress]));
    if (sum <= this.#limit) return;
    // Those that hold no more than their share are left alone: together they are within the limit.
    const share = this.#limit / holders.length;
    for (const { call, held, progress } of byDesert(holders.filter((holder) => holder.held > share))) {
      if (sum <= (progress.looks >= LONG ? this.#limit : this.#limit * AT_ONCE)) return;
      this.#ended.add(call);
      call.giveUp(STALLED);
      sum -= held;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #holders(): readonly Holder[] {
    return this.#calls.all().map((call) => ({ call, held: call.heldBytes, progress: this.#progressOf(call) }));
  }

  #progressOf(call: Call): Progress {
    if (this.#ended.has(call)) return ENDED;
    const taken = call.takenBytes;
    const before = this.#progress.get(call);
    return before?.taken === taken ? { taken, looks: before.looks + 1 } : { taken, looks: 0 };
  }
}

/** First those that have long stood still, and of them those that hold most. One that goes on, however slowly, is the last to end. */
function byDesert(holders: readonly Holder[]): readonly Holder[] {
  const rankOf = ({ progress: { looks } }: Holder) => (looks === ENDED.looks ? 3 : looks >= LONG ? 2 : Math.min(looks, 1));
  return holders.toSorted((a, b) => rankOf(b) - rankOf(a) || b.held - a.held);
}
