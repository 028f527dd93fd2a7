import { FALLBACK_LOG_NAME, FORWARDED_CLIENT_CERT } from "@fenceline/api/vocabulary";
import {
  type CallerCheck,
  type CallerRefusal,
  type CallHandler,
  fieldText,
  GRPC_STATUS,
  type GrpcCall,
  type GrpcMethod,
  type GrpcService,
  type GrpcStatus,
  OK,
  REVIEWED_EVERY_MS,
  reviewAgain,
} from "@fenceline/wire";
import { EMPTY_RESPONSE, STREAM_V2, STREAM_V3 } from "../methods.ts";
import { LogStream, type WantedOfMessages } from "./log-stream.ts";
import { type AccessLogSink, guardSink } from "./sink.ts";

/** Limits of a stream of access logs, beside those of its host. */
export interface AccessLogLimits {
  /**
   * Most entries in one message; further ones are dropped. Default 2,048: as many of the smallest
   * entries that an Envoy writes fit into a message of the largest size. Forged entries may have 2
   * bytes.
   */
  readonly maxEntries: number;
  /**
   * Milliseconds without a message after which a stream is answered with OK. Default 15 minutes.
   * Envoy opens another one when it has something to log.
   */
  readonly maxStreamIdleMs: number;
  /**
   * Most milliseconds between two checks of the caller of an open stream with the fallback's log
   * name. Default 4 minutes.
   */
  readonly reviewedEveryMs: number;
}

const DEFAULT_LIMITS: AccessLogLimits = { maxEntries: 2_048, maxStreamIdleMs: 15 * 60_000, reviewedEveryMs: REVIEWED_EVERY_MS };

export interface AccessLogServiceOptions {
  readonly sink: AccessLogSink;
  /** A limit that is not given has its default. */
  readonly limits?: Partial<AccessLogLimits>;
  /**
   * Checks whether a stream with the fallback's log name comes from the global sidecar; otherwise
   * it is refused. Default: every sender is trusted.
   */
  readonly fallbackCaller?: CallerCheck;
  /** Whether the entries' `x-request-id` is read, for a log at level debug. Default false. */
  readonly requestIds?: boolean;
}

/**
 * Envoy's `AccessLogService/StreamAccessLogs` in v3 and v2. It receives messages, and answers with
 * an empty one when the stream ends.
 */
export function accessLogService({
  sink,
  limits,
  fallbackCaller = () => undefined,
  requestIds = false,
}: AccessLogServiceOptions): GrpcService {
  const { maxEntries, maxStreamIdleMs, reviewedEveryMs } = { ...DEFAULT_LIMITS, ...limits };
  const guarded = guardSink(sink);
  const wanted = { maxEntries, wantsRequestIds: requestIds };
  const fallback = { check: fallbackCaller, everyMs: reviewedEveryMs };
  const method: GrpcMethod = {
    open: (call) => new AccessLogCall(call, guarded, wanted, fallback),
    maxIdleMs: maxStreamIdleMs,
    refused: () => guarded.dropped("too_many_streams", 1),
  };
  return { [STREAM_V3]: method, [STREAM_V2]: method };
}

const TOO_LARGE: GrpcStatus = { code: GRPC_STATUS.INVALID_ARGUMENT, details: "the identifier is too large" };
const UNDECIDED: GrpcStatus = { code: GRPC_STATUS.UNAVAILABLE, details: "shutting down: go to another replica" };

/** How the global sidecar is identified, and how often it is checked again. */
interface FallbackReview {
  readonly check: CallerCheck;
  readonly everyMs: number;
}

class AccessLogCall implements CallHandler {
  readonly #call: GrpcCall;
  readonly #fallback: FallbackReview;
  readonly #stream: LogStream;
  /**
   * The first message, until it is known whether the caller is the global sidecar. No further
   * message is read meanwhile.
   */
  #waiting: Buffer | undefined;
  #isUndecided = false;
  #isKnown = false;
  #stopReviews: () => void = () => {};

  constructor(call: GrpcCall, sink: Required<AccessLogSink>, wanted: WantedOfMessages, fallback: FallbackReview) {
    const forwardedClientCert = fieldText(call.headers[FORWARDED_CLIENT_CERT]);
    this.#call = call;
    this.#fallback = fallback;
    const connection = { peer: call.remoteAddress, forwardedClientCert };
    this.#stream = new LogStream(connection, sink, wanted, (logName) => this.#admits(logName));
    // Kept as long as the stream, since it is read again when the mesh changes.
    if (forwardedClientCert !== undefined) call.hold(forwardedClientCert.length);
  }

  message(bytes: Buffer): void {
    const before = this.#stream.size;
    const outcome = this.#stream.message(bytes);
    if (outcome === "too_large") this.#call.end(TOO_LARGE);
    else if (outcome === "not_admitted") this.#keep(bytes);
    else if (this.#stream.size !== before) this.#call.hold(this.#stream.size - before);
  }

  halfClosed(): void {
    this.retire();
  }

  retire(): void {
    if (this.#isUndecided) {
      this.#call.end(UNDECIDED);
      return;
    }
    this.#call.send(EMPTY_RESPONSE);
    this.#call.end(OK);
  }

  closed(): void {
    this.#waiting = undefined;
    this.#stopReviews();
    this.#stream.close();
  }

  /**
   * The bytes are valid only during the call, so they are copied. They count for the peer, which
   * bounds what waits.
   */
  #keep(bytes: Buffer): void {
    if (!this.#isUndecided) return;
    this.#waiting = Buffer.from(bytes);
    this.#call.hold(bytes.length);
  }

  #admits(logName: string): boolean {
    if (logName !== FALLBACK_LOG_NAME || this.#isKnown) return true;
    const verdict = this.#fallback.check(this.#call.headers, this.#call.peer);
    if (verdict instanceof Promise) {
      this.#isUndecided = true;
      const resume = this.#call.pause();
      void verdict.then((refusal) => this.#decided(refusal, resume));
      return false;
    }
    if (verdict !== undefined) this.#refuse(verdict);
    else this.#admit();
    return this.#isKnown;
  }

  #decided(refusal: CallerRefusal | undefined, resume: () => void): void {
    const waiting = this.#waiting;
    this.#isUndecided = false;
    this.#waiting = undefined;
    // The client may have disconnected meanwhile.
    if (waiting === undefined) return;
    if (refusal === undefined) {
      this.#admit();
      this.message(waiting);
    } else this.#refuse(refusal);
    this.#call.hold(-waiting.length);
    resume();
  }

  /**
   * When its token is no longer valid, the stream ends in good order. The global sidecar, whose
   * tokens are replaced before they expire, opens another one with its newest token, and repeats
   * what it sent last.
   */
  #admit(): void {
    this.#isKnown = true;
    this.#stopReviews = reviewAgain({ ...this.#fallback, call: this.#call, onRefused: () => this.retire() });
  }

  #refuse({ code, details }: CallerRefusal): void {
    this.#call.end({ code: GRPC_STATUS[code], details });
  }
}
