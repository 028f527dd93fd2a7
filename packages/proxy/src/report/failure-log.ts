import { LeftOutLines, LineBudget } from "@fenceline/api/vocabulary";
import type { Logger } from "pino";
import type { Ending } from "../calls/listener-observer.ts";
import type { Refusal } from "../refusals/refusal.ts";
import { MAX_LOGGED_TEXT } from "./decision-log.ts";

/** What is known about a call that failed, or got only a part of its answer. */
export interface FailedCall {
  /** Address and port of the client. */
  readonly client?: string | undefined;
  readonly authority?: string | undefined;
  readonly source?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly cause?: string | undefined;
  /** Only known at level debug. */
  readonly requestId?: string | undefined;
}

/**
 * Most lines per second with one code about one endpoint. If a service is down, every request fails
 * in the same way: ten lines are enough, and leave room for others.
 */
const LINES_OF_ENDPOINT = 10;
/** Most lines per second with one code, for all endpoints. */
const LINES_OF_CODE = 50;
const SECOND = 1_000;

/**
 * The code of lines about incomplete answers whose client already had a part. It is in no answer.
 */
const BROKEN_OFF = "UPSTREAM_BROKE_OFF";

/**
 * One line per failure, limited per second by code and endpoint, and by code. Further failures are
 * counted, and reported within a second. At level debug every failure has its line.
 */
export class FailureLog {
  readonly #logger: Logger;
  readonly #isDebug: boolean;
  readonly #ofEndpoint: LineBudget;
  readonly #ofCode: LineBudget;
  readonly #leftOut: LeftOutLines<string | undefined>;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#isDebug = logger.isLevelEnabled("debug");
    const budget = (lines: number) =>
      new LineBudget({ lines: this.#isDebug ? Number.POSITIVE_INFINITY : lines, window: SECOND, clock: currentSecond });
    this.#ofEndpoint = budget(LINES_OF_ENDPOINT);
    this.#ofCode = budget(LINES_OF_CODE);
    this.#leftOut = new LeftOutLines(({ line: code, of: endpoint, detail: cause, suppressed }) =>
      logger.warn({ code, endpoint, cause: shortened(cause), suppressed }, "lines left out"),
    );
  }

  /** Reports at once what is still to be reported. */
  close(): void {
    this.#leftOut.tell();
  }

  /** Whether this failure gets a line. If not, it is counted. */
  #take(code: string, call: FailedCall): boolean {
    const isTold = this.#ofEndpoint.take(`${code} ${call.endpoint ?? ""}`) && this.#ofCode.take(code);
    if (!isTold) this.#leftOut.add(code, call.endpoint, call.cause);
    return isTold;
  }

  refused({ code, status, message }: Refusal, request: FailedCall): void {
    if (!this.#take(code, request)) return;
    const line = { code, status, detail: message, ...lineOf(request) };
    // Errors of a client are for its owner, errors of a destination for the operator.
    if (status < 500) this.#logger.info(line, "request refused");
    else this.#logger.warn(line, "request failed");
  }

  /** A client disconnected before its request was complete. Only logged at level debug. */
  left({ client, cause }: FailedCall): void {
    if (this.#isDebug) this.#logger.debug({ client, cause: shortened(cause) }, "client left before its request was complete");
  }

  /** An HTTP/2 connection was ended because of its client. */
  ended(reason: Ending, call: FailedCall): void {
    if (this.#take(reason, call)) this.#logger.warn({ reason, ...lineOf(call) }, "client connection ended");
  }

  /** The destination's answer was incomplete, and the client has a part of it. */
  brokenOff(call: FailedCall): void {
    if (this.#take(BROKEN_OFF, call)) this.#logger.warn({ code: BROKEN_OFF, ...lineOf(call) }, "answer broke off");
  }

  /** We ended an answer, or a tunnel, before it was complete. */
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
