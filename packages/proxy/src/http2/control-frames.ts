/** Bytes of the frame that acknowledges (RFC 9113 §6.5, §6.7). */
const PING_ACK = 17;
const SETTINGS_ACK = 9;
/**
 * Bytes of HEADERS and DATA of ours that earn one more: the smallest message of gRPC with its
 * frame.
 */
const EARNS_ONE = 16;

/**
 * How many PING and SETTINGS frames one client may send: some at once and as many a second, and
 * more in proportion to what is sent to it.
 *
 * gRPC's clients measure their bandwidth with a PING for each round trip of DATA, and its servers
 * count no PING after which they sent HEADERS or DATA
 * (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md). Node shows no frames
 * that are sent, so their bytes are counted: what the connection has written, but for the
 * acknowledgements that the frames themselves caused. A flood that causes nothing else earns
 * nothing.
 */
export class ControlFrames {
  readonly #limit: number;
  #left: number;
  #refilledAt: number;
  #acknowledged = 0;
  #sentSeen = 0;

  /** @param limit frames at once, and a second @param now milliseconds of a monotonic clock */
  constructor(limit: number, now: number) {
    this.#limit = limit;
    this.#left = limit;
    this.#refilledAt = now;
  }

  /**
   * A PING has come.
   *
   * @param bytesWritten by the connection so far
   * @returns whether it was allowed
   */
  ping(now: number, bytesWritten: number): boolean {
    return this.#count(now, bytesWritten, PING_ACK);
  }

  /** SETTINGS have come. */
  settings(now: number, bytesWritten: number): boolean {
    return this.#count(now, bytesWritten, SETTINGS_ACK);
  }

  #count(now: number, bytesWritten: number, acknowledgement: number): boolean {
    const sent = bytesWritten - this.#acknowledged;
    const earned = Math.max(0, Math.trunc((sent - this.#sentSeen) / EARNS_ONE));
    this.#sentSeen += earned * EARNS_ONE;
    this.#acknowledged += acknowledgement;
    const refilled = ((now - this.#refilledAt) / 1_000) * this.#limit;
    this.#refilledAt = now;
    this.#left = Math.min(this.#limit, this.#left + refilled + earned) - 1;
    return this.#left >= 0;
  }
}
