import { LineBudget } from "@fenceline/api/vocabulary";
import type { Logger } from "pino";
import type { Ending } from "../calls/listener-observer.ts";
import type { Refusal } from "../refusals/refusal.ts";
import { MAX_LOGGED_TEXT } from "./decision-log.ts";
import { LeftOutLines } from "./left-out-lines.ts";

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
 * One line per failure, bounded per second by code and endpoint, and by code. Those beyond it are
 * counted, and told within a second. At level debug every one has its line.
 */
export class FailureLog {
  readonly #logger: Logger;
  readonly #isDebug: boolean;
  readonly #ofEndpoint: LineBudget;
  readonly #ofCode: LineBudget;
  readonly #leftOut: LeftOutLines;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#isDebug = logger.isLevelEnabled("debug");
    const budget = (lines: number) =>
      new LineBudget({ lines: this.#isDebug ? Number.POSITIVE_INFINITY : lines, window: SECOND, clock: currentSecond });
    this.#ofEndpoint = budget(LINES_OF_ENDPOINT);
    this.#ofCode = budget(LINES_OF_CODE);
    this.#leftOut = new LeftOutLines(({ cause, ...failures }) => logger.warn({ ...failures, cause: shortened(cause) }, "lines left out"));
  }

  /** Tells at once what is still to be told. */
  close(): void {
    this.#leftOut.tell();
  }

  /** Whether this failure gets a line; counted where it does not. */
  #take(code: string, call: FailedCall): boolean {
    const isTold = this.#ofEndpoint.take(`${code} ${call.endpoint ?? ""}`) !== undefined && this.#ofCode.take(code) !== undefined;
    if (!isTold) this.#leftOut.add(code, call);
    return isTold;
  }

  refused({ code, status, message }: Refusal, request: FailedCall): void {
    if (!this.#take(code, request)) return;
    const line = { code, status, detail: message, ...lineOf(request) };
    // What the client did wrong is for its owner to fix, what the destination did is for the
    // operator.
    if (status < 500) this.#logger.info(line, "request refused");
    else this.#logger.warn(line, "request failed");
  }

  /**
   * A client left before its request was complete. Not worth a line unless somebody looks for it.
   */
  left({ client, cause }: FailedCall): void {
    if (this.#isDebug) this.#logger.debug({ client, cause: shortened(cause) }, "client left before its request was complete");
  }

  /** An HTTP/2 connection was ended for what its client did. */
  ended(reason: Ending, call: FailedCall): void {
    if (this.#take(reason, call)) this.#logger.warn({ reason, ...lineOf(call) }, "client connection ended");
  }

  /** The destination broke off its answer, and the client has a part of it. */
  brokenOff(call: FailedCall): void {
    if (this.#take(BROKEN_OFF, call)) this.#logger.warn({ code: BROKEN_OFF, ...lineOf(call) }, "answer broke off");
  }

  /** We broke off an answer, or a connection that passed through. */
  gaveUp({ code, message }: Refusal, call: FailedCall): void {
    if (this.#take(code, call)) this.#logger.warn({ code, detail: message, ...lineOf(call) }, "answer given up");
  }
}

/** Start of the second, by the wall clock. */
function currentSecond(): number {
  return Math.trunc(Date.now() / SECOND) * SECOND;
}

function lineOf({ client, authority, source, endpoint, cause, requestId }: FailedCall) {
  return { client, authority: shortened(authority), source, endpoint, cause: shortened(cause), requestId };
}

function shortened(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_LOGGED_TEXT);
}
