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
} from "@fenceline/wire";
import { EMPTY_RESPONSE, STREAM_V2, STREAM_V3 } from "../methods.ts";
import { LogStream, type WantedOfMessages } from "./log-stream.ts";
import { type AccessLogSink, guardSink } from "./sink.ts";

/** Bounds of what a stream of access logs may say, beside those of its host. */
export interface AccessLogLimits {
  /**
   * Entries in one message; those beyond it are dropped. Default 2,048: a message of the largest
   * size holds as many of the smallest entries that an Envoy writes. Made-up ones have 2 bytes.
   */
  readonly maxEntries: number;
  /**
   * Milliseconds without a message after which a stream is answered with OK. Default 15 minutes.
   * Envoy opens another one when it has something to log.
   */
  readonly maxStreamIdleMs: number;
}

const DEFAULT_LIMITS: AccessLogLimits = { maxEntries: 2_048, maxStreamIdleMs: 15 * 60_000 };

export interface AccessLogServiceOptions {
  readonly sink: AccessLogSink;
  /** Any limit that is not given has its default. */
  readonly limits?: Partial<AccessLogLimits>;
  /**
   * Whether a stream under the fallback's log name comes from the global sidecar; else it is
   * refused. Default: whoever sends one is believed.
   */
  readonly fallbackCaller?: CallerCheck;
  /** Whether the entries' `x-request-id` is read, for a log at level debug. Default false. */
  readonly requestIds?: boolean;
}

/**
 * Envoy's `AccessLogService/StreamAccessLogs` in v3 and v2: takes messages, and answers one without
 * fields when the stream ends.
 */
export function accessLogService({
  sink,
  limits,
  fallbackCaller = () => undefined,
  requestIds = false,
}: AccessLogServiceOptions): GrpcService {
  const { maxEntries, maxStreamIdleMs } = { ...DEFAULT_LIMITS, ...limits };
  const guarded = guardSink(sink);
  const wanted = { maxEntries, wantsRequestIds: requestIds };
  const method: GrpcMethod = {
    open: (call) => new AccessLogCall(call, guarded, wanted, fallbackCaller),
    maxIdleMs: maxStreamIdleMs,
    refused: () => guarded.dropped("too_many_streams", 1),
  };
  return { [STREAM_V3]: method, [STREAM_V2]: method };
}

const TOO_LARGE: GrpcStatus = { code: GRPC_STATUS.INVALID_ARGUMENT, details: "the identifier is too large" };
const UNDECIDED: GrpcStatus = { code: GRPC_STATUS.UNAVAILABLE, details: "shutting down: go to another replica" };

class AccessLogCall implements CallHandler {
  readonly #call: GrpcCall;
  readonly #fallbackCaller: CallerCheck;
  readonly #stream: LogStream;
  /**
   * The first message, while it is not known whether the caller is the global sidecar. The others
   * are not read meanwhile.
   */
  #waiting: Buffer | undefined;
  #isUndecided = false;
  #isKnown = false;

  constructor(call: GrpcCall, sink: Required<AccessLogSink>, wanted: WantedOfMessages, fallbackCaller: CallerCheck) {
    const forwardedClientCert = fieldText(call.headers[FORWARDED_CLIENT_CERT]);
    this.#call = call;
    this.#fallbackCaller = fallbackCaller;
    const connection = { peer: call.remoteAddress, forwardedClientCert };
    this.#stream = new LogStream(connection, sink, wanted, (logName) => this.#admits(logName));
    // Kept as long as the stream: it is read again when the mesh changes.
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
    this.#stream.close();
  }

  /**
   * The bytes are valid during the call only. They count for the peer, so that nobody can have much
   * wait.
   */
  #keep(bytes: Buffer): void {
    if (!this.#isUndecided) return;
    this.#waiting = Buffer.from(bytes);
    this.#call.hold(bytes.length);
  }

  #admits(logName: string): boolean {
    if (logName !== FALLBACK_LOG_NAME || this.#isKnown) return true;
    const verdict = this.#fallbackCaller(this.#call.headers, this.#call.peer);
    if (verdict instanceof Promise) {
      this.#isUndecided = true;
      const resume = this.#call.pause();
      void verdict.then((refusal) => this.#decided(refusal, resume));
      return false;
    }
    this.#isKnown = verdict === undefined;
    if (verdict !== undefined) this.#refuse(verdict);
    return this.#isKnown;
  }

  #decided(refusal: CallerRefusal | undefined, resume: () => void): void {
    const waiting = this.#waiting;
    this.#isUndecided = false;
    this.#waiting = undefined;
    // The client may have left meanwhile.
    if (waiting === undefined) return;
    this.#isKnown = refusal === undefined;
    if (refusal === undefined) this.message(waiting);
    else this.#refuse(refusal);
    this.#call.hold(-waiting.length);
    resume();
  }

  #refuse({ code, details }: CallerRefusal): void {
    this.#call.end({ code: GRPC_STATUS[code], details });
  }
}
