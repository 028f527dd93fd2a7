/** Most milliseconds of refusals in one turn of the event loop. */
const TURN_MS = 1;
/**
 * Most refusals that wait; a further one is done at once. A stream that waits for it holds some
 * kilobytes.
 */
const MOST_WAITING = 8_192;

/**
 * Refuses streams little by little.
 *
 * A stream that waits for its refusal still counts as an open stream of its connection. So a client
 * that keeps to HTTP/2, such as the sidecar in front of us, opens no other one meanwhile. However
 * many connections open such streams, each turn of the event loop refuses few of them and stays
 * short.
 */
export class Refusals {
  readonly #clock: () => number;
  #waiting: (() => void)[] = [];
  #done = 0;

  /** @param clock milliseconds of a monotonic clock */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  add(refuse: () => void): void {
    if (this.#waiting.length >= MOST_WAITING) {
      refuse();
      return;
    }
    this.#waiting.push(refuse);
    if (this.#waiting.length === 1) setImmediate(() => this.#turn());
  }

  #turn(): void {
    const ends = this.#clock() + TURN_MS;
    while (this.#done < this.#waiting.length && this.#clock() < ends) {
      const refuse = this.#waiting[this.#done++];
      refuse?.();
    }
    this.#waiting = this.#waiting.slice(this.#done);
    this.#done = 0;
    if (this.#waiting.length > 0) setImmediate(() => this.#turn());
  }
}
