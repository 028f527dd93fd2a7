import type { Socket } from "node:net";

/**
 * Shares the event loop between HTTP/2 connections whose peers send small frames.
 *
 * Each DATA frame and each request is a call from nghttp2, some microseconds. libuv reads up to 2
 * MiB of one connection in a row, 200,000 frames of one byte, and all others wait for a second
 * (T-09). So a connection that brought many frames is not read from again in the same turn of the
 * event loop; and where there are several of that kind, only as many go on in each turn as bring a
 * bounded number of frames, in the order in which they came.
 */

/** Frames of one connection after which it is not read from any more in this turn. */
const MOST_EACH = 256;
/**
 * Frames of connections that go on in one turn: of what they last brought. One goes on in any case;
 * it can bring 6,500 in a read.
 */
const MOST_IN_ALL = 2_000;
/** What a request counts, where a DATA frame counts 1. */
const PER_REQUEST = 10;

/** What node:net has beneath a socket. A session has taken the reading away from the socket. */
interface Handle {
  readStart(): unknown;
  readStop(): unknown;
}

/** Connections that are not read from, in the order in which they go on. */
const waiting = new Set<ReadingTurns>();
let turn = 0;

function nextTurn(): void {
  turn += 1;
  let sum = 0;
  for (const one of waiting) {
    if (sum >= MOST_IN_ALL) break;
    waiting.delete(one);
    sum += one.goOn();
  }
  if (waiting.size > 0) setImmediate(nextTurn);
}

/** When one connection is read from. */
export class ReadingTurns {
  readonly #socket: Socket & { readonly _handle?: Handle | null };
  #frames = 0;
  /** Turn in which they came. Turns count only while a connection waits. */
  #turn = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** A request has come. */
  request(): void {
    this.#count(PER_REQUEST);
  }

  /** A DATA frame has come. */
  data(): void {
    this.#count(1);
  }

  /** Reads on. @returns the frames that came before */
  goOn(): number {
    this.#socket._handle?.readStart();
    return this.#frames;
  }

  #count(frames: number): void {
    if (this.#turn !== turn) this.#frames = 0;
    this.#turn = turn;
    this.#frames += frames;
    if (this.#frames < MOST_EACH || waiting.has(this)) return;
    this.#socket._handle?.readStop();
    waiting.add(this);
    if (waiting.size === 1) setImmediate(nextTurn);
  }
}
