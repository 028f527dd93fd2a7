/**
 * Milliseconds between two PINGs without HEADERS or DATA of the destination between them. gRPC
 * servers take a client that asks more often than every five minutes for an attacker
 * (ENHANCE_YOUR_CALM, "too_many_pings"); they forget about it only when they have sent HEADERS or
 * DATA, so PINGs, acknowledgements and WINDOW_UPDATEs of theirs change nothing
 * (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md).
 */
const PING_INTERVAL = 310_000;

/**
 * When a destination with open streams is asked whether it is still there. Time is an argument, in
 * milliseconds of a monotonic clock.
 */
export class PingPacing {
  readonly #pingAfter: number;
  #bytesSeen = 0;
  #quietSince = 0;
  #lastPing = Number.NEGATIVE_INFINITY;
  /** Whether the destination has sent HEADERS or DATA since the last PING. */
  #heard = false;

  /** @param pingAfter milliseconds without a byte */
  constructor(pingAfter: number) {
    this.#pingAfter = pingAfter;
  }

  /** The first of the open streams was opened: silence before it says nothing. */
  begin(now: number): void {
    this.#quietSince = now;
  }

  /** HEADERS or DATA have come. */
  heard(): void {
    this.#heard = true;
  }

  /**
   * Whether to send a PING now; if so, it is taken for sent.
   *
   * @param bytesRead from the connection so far: any byte shows that the other end lives
   */
  isDue(now: number, bytesRead: number): boolean {
    if (bytesRead !== this.#bytesSeen) {
      this.#bytesSeen = bytesRead;
      this.#quietSince = now;
      return false;
    }
    if (now - this.#quietSince < this.#pingAfter) return false;
    if (!this.#heard && now - this.#lastPing < PING_INTERVAL) return false;
    this.#lastPing = now;
    this.#heard = false;
    return true;
  }

  /** The PING was answered, and that says nothing about the streams: the silence goes on. */
  answered(bytesRead: number): void {
    this.#bytesSeen = bytesRead;
  }
}
