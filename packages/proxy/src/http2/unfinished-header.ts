import type { Listed } from "../calls/unordered-list.ts";
import type { Holder } from "../load/held-memory.ts";
import { MAX_HEADER_LIST_SIZE } from "./options.ts";

/** The client's connection, as far as it has to be known. */
export interface AskedConnection {
  /** So far; 0 once it is over. */
  bytesRead(): number;
  hasStreams(): boolean;
  /** Sends a PING. @param answered called when its answer comes, and only then */
  ping(answered: () => void): void;
  /** The header does not come to its end. */
  end(): void;
}

/** Bytes that are not worth a PING, whatever they are. */
const FEW = 1_024;
/** Milliseconds between a PING's answer and the next PING. */
const ASK_AGAIN = 5_000;
/** Milliseconds without an answer, longer than a round trip, after which what came is held. */
const HELD_AFTER = 1_000;

/**
 * A header that may be coming on one connection and is not whole.
 *
 * nghttp2 keeps what came of it, and tells nothing before its end: neither that it has begun, nor
 * how much there is. But no other frame may stand within a header (RFC 9113 §6.2), so a client in
 * the midst of one cannot answer a PING. Now and then those that have sent something are asked.
 */
export class UnfinishedHeader implements Holder, Listed {
  position = -1;
  readonly #connection: AskedConnection;
  readonly #timeout: number;
  /** Bytes of the connection that are known to be whole frames. */
  #whole = 0;
  /** When the last PING was sent, in milliseconds of a monotonic clock. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsked = false;

  /** @param timeout milliseconds for a header to come to its end */
  constructor(connection: AskedConnection, timeout: number) {
    this.#connection = connection;
    this.#timeout = timeout;
  }

  get heldBytes(): number {
    if (!this.#isAsked || performance.now() - this.#askedAt < HELD_AFTER) return 0;
    return Math.min(MAX_HEADER_LIST_SIZE, Math.max(0, this.#connection.bytesRead() - this.#whole));
  }

  get takenBytes(): number {
    return this.#whole;
  }

  giveUp(): void {
    this.#connection.end();
  }

  /**
   * Asks, or ends a connection that does not answer. One with streams is not ended for the time
   * that it takes: its client may be slow to read. Called now and then.
   *
   * @param now milliseconds of a monotonic clock
   */
  sweep(now: number): void {
    if (this.#isAsked) {
      if (!this.#connection.hasStreams() && now - this.#askedAt >= this.#timeout) this.#connection.end();
      return;
    }
    const bytesRead = this.#connection.bytesRead();
    if (bytesRead - this.#whole <= FEW || now - this.#askedAt < ASK_AGAIN) return;
    this.#isAsked = true;
    this.#askedAt = now;
    this.#connection.ping(() => {
      this.#isAsked = false;
      this.#whole = bytesRead;
    });
  }
}
