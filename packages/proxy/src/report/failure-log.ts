import type { Logger } from "pino";
import type { Refusal, RefusalCode } from "../refusal.ts";

/** What is known of a request that was refused. */
export interface RefusedRequest {
  readonly authority?: string | undefined;
  readonly source?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly cause?: string | undefined;
}

/** Lines per code and second. A service that is down fails every request in the same way; ten lines say it. */
const LINES_PER_SECOND = 10;
/** Of text that a client wrote, at most this many characters are logged. */
const MAX_LOGGED_TEXT = 256;

/** One line per refusal, bounded per code and second; the next line that comes through says how many did not. */
export class FailureLog {
  readonly #logger: Logger;
  readonly #windows = new Map<RefusalCode, { second: number; lines: number; suppressed: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  refused({ code, status, message }: Refusal, request: RefusedRequest): void {
    const suppressed = this.#take(code);
    if (suppressed === undefined) return;
    const line = {
      code,
      status,
      authority: request.authority?.slice(0, MAX_LOGGED_TEXT),
      source: request.source,
      endpoint: request.endpoint,
      cause: request.cause?.slice(0, MAX_LOGGED_TEXT),
      suppressed: suppressed === 0 ? undefined : suppressed,
    };
    // What the client did wrong is for its owner to fix, what the destination did is for the operator.
    if (status < 500) this.#logger.info(line, message);
    else this.#logger.warn(line, message);
  }

  /** Lines left out since the last one; undefined when this one is to be left out too. */
  #take(code: RefusalCode): number | undefined {
    const second = Math.trunc(Date.now() / 1_000);
    let window = this.#windows.get(code);
    if (window === undefined || window.second !== second) {
      window = { second, lines: 0, suppressed: window?.suppressed ?? 0 };
      this.#windows.set(code, window);
    }
    if (window.lines >= LINES_PER_SECOND) {
      window.suppressed += 1;
      return undefined;
    }
    window.lines += 1;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }
}
