import { LineBudget } from "@fenceline/api/vocabulary";
import type { Logger } from "pino";
import type { Ending } from "../calls/listener-observer.ts";
import type { Refusal } from "../refusals/refusal.ts";
import { MAX_LOGGED_TEXT } from "./decision-log.ts";

/** What is known of a call that came to nothing, or to half an answer. */
export interface FailedCall {
  /** Address and port that the connection came from. */
  readonly client?: string | undefined;
  readonly authority?: string | undefined;
  readonly source?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly cause?: string | undefined;
  /** Known only where level debug is logged. */
  readonly requestId?: string | undefined;
}

/**
 * Lines per second with one code about one endpoint. A service that is down fails every request in
 * the same way; ten lines say it, and leave room for what others do.
 */
const LINES_OF_ENDPOINT = 10;
/** Lines per second with one code, whoever is at fault. */
const LINES_OF_CODE = 50;
const SECOND = 1_000;

/**
 * The code of a line about an answer that broke off after its client had its beginning. No answer
 * carries it, since there is none.
 */
const BROKEN_OFF = "UPSTREAM_BROKE_OFF";

/**
 * One line per failure, bounded per second by code and endpoint, and by code; the next line that
 * comes through says how many did not. At level debug every one has its line.
 */
export class FailureLog {
  readonly #logger: Logger;
  readonly #isDebug: boolean;
  readonly #ofEndpoint: LineBudget;
  readonly #ofCode: LineBudget;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#isDebug = logger.isLevelEnabled("debug");
    const budget = (lines: number) =>
      new LineBudget({ lines: this.#isDebug ? Number.POSITIVE_INFINITY : lines, window: SECOND, clock: currentSecond });
    this.#ofEndpoint = budget(LINES_OF_ENDPOINT);
    this.#ofCode = budget(LINES_OF_CODE);
  }

  /** How many lines were left out before this one; undefined when it is left out, too. */
  #take(code: string, { endpoint = "" }: FailedCall): number | undefined {
    const ofEndpoint = this.#ofEndpoint.take(`${code} ${endpoint}`);
    if (ofEndpoint === undefined) return undefined;
    const ofCode = this.#ofCode.take(code);
    return ofCode === undefined ? undefined : ofEndpoint + ofCode;
  }

  refused({ code, status, message }: Refusal, request: FailedCall): void {
    const suppressed = this.#take(code, request);
    if (suppressed === undefined) return;
    const line = { code, status, detail: message, ...lineOf(request, suppressed) };
    // What the client did wrong is for its owner to fix, what the destination did is for the
    // operator.
    if (status < 500) this.#logger.info(line, "request refused");
    else this.#logger.warn(line, "request failed");
  }

  /**
   * A client left before its request was complete. Not worth a line unless somebody looks for it.
   */
  left({ client, cause }: FailedCall): void {
    if (this.#isDebug)
      this.#logger.debug({ client, cause: cause?.slice(0, MAX_LOGGED_TEXT) }, "client left before its request was complete");
  }

  /** An HTTP/2 connection was ended for what its client did. */
  ended(reason: Ending, call: FailedCall): void {
    const suppressed = this.#take(reason, call);
    if (suppressed !== undefined) this.#logger.warn({ reason, ...lineOf(call, suppressed) }, "client connection ended");
  }

  /** The destination broke off its answer, and the client has a part of it. */
  brokenOff(call: FailedCall): void {
    const suppressed = this.#take(BROKEN_OFF, call);
    if (suppressed === undefined) return;
    this.#logger.warn({ code: BROKEN_OFF, ...lineOf(call, suppressed) }, "answer broke off");
  }

  /** We broke off an answer, or a connection that passed through. */
  gaveUp({ code, message }: Refusal, call: FailedCall): void {
    const suppressed = this.#take(code, call);
    if (suppressed === undefined) return;
    this.#logger.warn({ code, detail: message, ...lineOf(call, suppressed) }, "answer given up");
  }
}

/** Start of the second, by the wall clock. */
function currentSecond(): number {
  return Math.trunc(Date.now() / SECOND) * SECOND;
}

function lineOf({ client, authority, source, endpoint, cause, requestId }: FailedCall, suppressed: number) {
  return {
    client,
    authority: authority?.slice(0, MAX_LOGGED_TEXT),
    source,
    endpoint,
    cause: cause?.slice(0, MAX_LOGGED_TEXT),
    requestId,
    suppressed: suppressed === 0 ? undefined : suppressed,
  };
}
