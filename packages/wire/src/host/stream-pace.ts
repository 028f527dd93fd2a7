import { LeastServed, type Usage } from "./least-served.ts";

/**
 * Streams that are opened or reset in one turn of the event loop, on all connections. Node takes
 * about 45 µs for each before the host gets it.
 */
export const STREAMS_A_TURN = 8;
/**
 * The first bytes of a connection count as this many streams, and so does its end: each takes Node
 * as long.
 */
export const STREAMS_OF_A_CONNECTION = 4;
/** Milliseconds that a stream counts in the time of its connection. */
const STREAM_MS = 0.045;
/**
 * DATA frames that are passed on in one turn of the event loop, on all connections. Node takes
 * about 4 µs for each before the host gets it, and one read may have 6,500 of one byte. An Envoy
 * sends frames of 16 KiB.
 */
export const DATA_A_TURN = 256;
/** DATA frames that a connection passes on in its turn. */
export const DATA_AT_ONCE = 8;
/** The same for a DATA frame, see {@link STREAM_MS}. */
const DATA_MS = 0.004;

/**
 * A connection that waits to open streams, to begin or to end. Or one with DATA frames that wait:
 * they are paced in the same way.
 */
export interface Opener {
  readonly usage: Usage;
  /** Streams that its next step counts. */
  readonly nextCost: number;
  /** Opens its next stream. Returns whether others wait. */
  openOne(): boolean;
}

/**
 * Shares the event loop's time for opening streams, and for beginning and ending connections, among
 * them.
 *
 * While there is room in a turn, streams are opened as they are read. Otherwise they wait, and the
 * connection that was served least comes first, with one stream at a time. So a new connection does
 * not wait for a flood, however many connections cause it.
 */
export class StreamPace {
  readonly #waiting = new LeastServed<Opener>();
  readonly #clock: () => number;
  readonly #aTurn: number;
  readonly #ms: number;
  /** Streams that may still be opened in this turn. */
  #left: number;
  #isBegun = false;

  /**
   * @param clock milliseconds of a monotonic clock
   * @param aTurn most of them in one turn @param ms what each counts for
   */
  constructor(clock: () => number = () => performance.now(), aTurn: number = STREAMS_A_TURN, ms: number = STREAM_MS) {
    this.#clock = clock;
    this.#left = this.#aTurn = aTurn;
    this.#ms = ms;
  }

  /** The same for DATA frames: they do not wait for streams, nor streams for them. */
  static ofData(): StreamPace {
    return new StreamPace(undefined, DATA_A_TURN, DATA_MS);
  }

  /**
   * Whether a stream may be opened now. If so, it is counted. Nobody overtakes others that wait: an
   * opener that may not go on has to {@link wait}.
   */
  take(opener: Opener, cost = 1): boolean {
    if (this.#waiting.size > 0 || this.#left <= 0) return false;
    this.#begin();
    this.#count(opener, cost);
    return true;
  }

  /** Opens the next stream of this connection in its turn. */
  wait(opener: Opener): void {
    this.#begin();
    this.#waiting.push(opener, opener.usage.levelAt(this.#clock()));
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    setImmediate(() => {
      this.#isBegun = false;
      this.#left = this.#aTurn;
      this.#drain();
    });
  }

  #drain(): void {
    while (this.#left > 0) {
      const opener = this.#waiting.shift();
      if (opener === undefined) return;
      this.#begin();
      this.#count(opener, opener.nextCost);
      if (opener.openOne()) this.#waiting.push(opener, opener.usage.level);
    }
  }

  #count(opener: Opener, cost: number): void {
    this.#left -= cost;
    opener.usage.add(cost * this.#ms, this.#clock());
  }
}
