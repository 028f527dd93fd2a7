import type { Call } from "../call.ts";
import { Refusal } from "../refusal.ts";

/**
 * Bytes that one call can hold: in each direction a window of HTTP/2, or what node:http reads ahead, and what the stream or socket of the other side
 * takes before it says stop, which is at most one chunk more.
 */
const MOST_EACH = 256 * 1024;
/** Milliseconds between two looks. Twenty a second cost nothing while calls are few, and a hundredth of a core with 10,000 of them. */
const INTERVAL = 50;
/** Looks without progress, 5 s, after which a call may end for the limit's sake. A pause for garbage collection, or a new endpoint, takes less. */
const LONG = 100;
/** Beyond so many times the limit any call may end. */
const AT_ONCE = 2;

const STALLED = new Refusal("BODY_STALLED", "nothing is taken of the body, and the memory for bodies is used up");

/** Calls whose bodies are looked at. */
export interface LookedAt {
  readonly size: number;
  all(): readonly Call[];
}

interface Holder {
  readonly call: Call;
  readonly held: number;
  readonly client: object;
  readonly progress: Progress;
}

/** What was taken of a call's bodies, and at how many looks in a row it has been the same. */
interface Progress {
  readonly taken: number;
  readonly looks: number;
}

/**
 * Bounds what has come of requests and answers and was not taken by the other side. Flow control bounds it for each stream and connection, and for
 * nobody the sum: Node gives an HTTP/2 connection's window back as soon as a frame was read, so that one stream never holds up another. Envoy's
 * overload manager does the same (`envoy.overload_actions.reset_high_memory_stream`).
 *
 * What is held is looked at and not counted, so that a request pays nothing; and not even looked at while so few calls are in flight that they cannot
 * hold as much.
 */
export class HeldBodies {
  readonly #calls: LookedAt;
  readonly #limit: number;
  readonly #timer: NodeJS.Timeout;
  #progress = new Map<Call, Progress>();

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
    if (this.#calls.size * MOST_EACH <= this.#limit) {
      this.#progress.clear();
      return;
    }
    const holders = this.#holders();
    let sum = holders.reduce((before, { held }) => before + held, 0);
    this.#progress = new Map(holders.map(({ call, progress }) => [call, progress]));
    if (sum <= this.#limit) return;
    for (const { call, held, progress } of byDesert(holders)) {
      if (sum <= (progress.looks >= LONG ? this.#limit : this.#limit * AT_ONCE)) return;
      call.giveUp(STALLED);
      sum -= held;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #holders(): Holder[] {
    const holders: Holder[] = [];
    for (const call of this.#calls.all()) {
      const held = call.heldBytes;
      if (held > 0) holders.push({ call, held, client: call.connection, progress: this.#progressOf(call) });
    }
    return holders;
  }

  #progressOf(call: Call): Progress {
    const taken = call.takenBytes;
    const before = this.#progress.get(call);
    return before?.taken === taken ? { taken, looks: before.looks + 1 } : { taken, looks: 0 };
  }
}

/** First those that have long stood still, and of them those of the client that holds most. One that goes on, however slowly, is the last to end. */
function byDesert(holders: readonly Holder[]): readonly Holder[] {
  const ofClient = new Map<object, number>();
  for (const { client, held } of holders) ofClient.set(client, (ofClient.get(client) ?? 0) + held);
  const sumOf = ({ client }: Holder) => ofClient.get(client) ?? 0;
  const stallOf = ({ progress: { looks } }: Holder) => (looks >= LONG ? 2 : Math.min(looks, 1));
  return holders.toSorted((a, b) => stallOf(b) - stallOf(a) || sumOf(b) - sumOf(a) || b.held - a.held);
}
