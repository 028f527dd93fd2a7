import { FirstContinue } from "../calls/first-continue.ts";

/** Interim answers that are relayed at once. */
const AT_ONCE = 16;
/**
 * Milliseconds for each further one: a heartbeat of 102 goes on for as long as the destination
 * works.
 */
const EACH = 1_000;

/**
 * Which interim answers (1xx) to one request are relayed. They are under no flow control, so a
 * client that reads nothing would have them pile up here. The surplus is dropped: none of them is
 * an answer, and a destination that sends many is not at fault (RFC 9110 §15.2). The first 100
 * (Continue) is none of it: a client may wait for it with its body.
 */
export class InterimAnswers {
  #left = AT_ONCE;
  #since = 0;
  readonly #firstContinue = new FirstContinue();

  /** @param now milliseconds of a monotonic clock */
  mayRelay(status: number | undefined, now: number): boolean {
    if (this.#firstContinue.comes(status)) return true;
    if (this.#left === AT_ONCE) this.#since = now;
    const earned = Math.floor((now - this.#since) / EACH);
    this.#since += earned * EACH;
    this.#left = Math.min(AT_ONCE, this.#left + earned);
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
