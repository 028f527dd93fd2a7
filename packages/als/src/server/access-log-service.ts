import { FALLBACK_LOG_NAME, FORWARDED_CLIENT_CERT } from "@fenceline/api/vocabulary";
import { type CallerCheck, type CallerRefusal, fieldText } from "../caller-check.ts";
import { GRPC_STATUS, type GrpcStatus, OK } from "../host/grpc-status.ts";
import type { CallHandler, GrpcCall, GrpcService } from "../host/service.ts";
import { EMPTY_RESPONSE, STREAM_V2, STREAM_V3 } from "../service.ts";
import { IngestStream } from "./ingest-stream.ts";
import type { AccessLogLimits } from "./limits.ts";
import type { AccessLogSink } from "./sink.ts";

/** What an access-log service works with. */
export interface AccessLogServiceOptions {
  readonly sink: Required<AccessLogSink>;
  readonly limits: AccessLogLimits;
  /** Whether whoever uses the fallback's log name is the global sidecar. */
  readonly fallbackCaller: CallerCheck;
  /** Whether the entries' `x-request-id` is read. */
  readonly wantsRequestIds: boolean;
}

/**
 * `AccessLogService/StreamAccessLogs`: takes messages, and answers one without fields when the
 * stream ends.
 */
export function accessLogService(options: AccessLogServiceOptions): GrpcService {
  const method = { open: (call: GrpcCall) => new AccessLogCall(call, options), maxIdleMs: options.limits.maxStreamIdleMs };
  return { [STREAM_V3]: method, [STREAM_V2]: method };
}

const TOO_LARGE: GrpcStatus = { code: GRPC_STATUS.INVALID_ARGUMENT, details: "the identifier is too large" };
const UNDECIDED: GrpcStatus = { code: GRPC_STATUS.UNAVAILABLE, details: "shutting down: go to another replica" };

class AccessLogCall implements CallHandler {
  readonly #call: GrpcCall;
  readonly #fallbackCaller: CallerCheck;
  readonly #stream: IngestStream;
  /**
   * The first message, while it is not known whether the caller is the global sidecar. The others
   * are not read meanwhile.
   */
  #waiting: Buffer | undefined;
  #isUndecided = false;
  #isKnown = false;

  constructor(call: GrpcCall, { sink, limits, fallbackCaller, wantsRequestIds }: AccessLogServiceOptions) {
    const forwardedClientCert = fieldText(call.headers[FORWARDED_CLIENT_CERT]);
    this.#call = call;
    this.#fallbackCaller = fallbackCaller;
    const connection = { peer: call.remoteAddress, forwardedClientCert };
    const wanted = { maxEntries: limits.maxEntries, wantsRequestIds };
    this.#stream = new IngestStream(connection, sink, wanted, (logName) => this.#admits(logName));
    // Kept for as long as the stream, to be read anew when the mesh changes.
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
    const verdict = this.#fallbackCaller(this.#call.headers);
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
