import type { ServerHttp2Session } from "node:http2";
import type { HostLimits } from "./limits.ts";

/** Pings a peer that was silent, and finds out when it does not answer (RFC 9113 §6.7). */
export class Keepalive {
  readonly #session: ServerHttp2Session;
  readonly #limits: Pick<HostLimits, "keepaliveMs" | "keepaliveTimeoutMs">;
  #bytesSeen = 0;
  #heardAt: number;
  #answerDueBy: number | undefined;

  /** @param now milliseconds of a monotonic clock */
  constructor(session: ServerHttp2Session, limits: Pick<HostLimits, "keepaliveMs" | "keepaliveTimeoutMs">, now: number) {
    this.#session = session;
    this.#limits = limits;
    this.#heardAt = now;
  }

  /**
   * Pings when it is time.
   *
   * @param bytesRead of the connection so far: any byte counts as an answer
   * @returns whether the peer may still be there
   */
  check(bytesRead: number, now: number): boolean {
    if (bytesRead !== this.#bytesSeen) {
      this.#bytesSeen = bytesRead;
      this.#heardAt = now;
      this.#answerDueBy = undefined;
    } else if (this.#answerDueBy !== undefined) return now < this.#answerDueBy;
    else if (now - this.#heardAt >= this.#limits.keepaliveMs) {
      this.#answerDueBy = now + this.#limits.keepaliveTimeoutMs;
      this.#session.ping(() => {});
    }
    return true;
  }
}
