import { FORWARDED_CLIENT_CERT } from "@fenceline/api/vocabulary";
import { GRPC_STATUS, OK } from "../host/grpc-status.ts";
import type { CallHandler, GrpcCall, GrpcService } from "../host/service.ts";
import { EMPTY_RESPONSE, STREAM_V2, STREAM_V3 } from "../service.ts";
import { IngestStream } from "./ingest-stream.ts";
import type { AccessLogLimits } from "./limits.ts";
import type { AccessLogSink } from "./sink.ts";

/** `AccessLogService/StreamAccessLogs`: takes messages, and answers one without fields when the stream ends. */
export function accessLogService(sink: Required<AccessLogSink>, limits: AccessLogLimits): GrpcService {
  const method = { open: (call: GrpcCall) => new AccessLogCall(call, sink, limits), maxIdleMs: limits.maxStreamIdleMs };
  return { [STREAM_V3]: method, [STREAM_V2]: method };
}

class AccessLogCall implements CallHandler {
  readonly #call: GrpcCall;
  readonly #stream: IngestStream;

  constructor(call: GrpcCall, sink: Required<AccessLogSink>, { maxEntries }: AccessLogLimits) {
    const certificate = call.headers[FORWARDED_CLIENT_CERT];
    const forwardedClientCert = Array.isArray(certificate) ? certificate.join(",") : certificate;
    this.#call = call;
    this.#stream = new IngestStream({ peer: call.remoteAddress, forwardedClientCert }, sink, maxEntries);
    // Kept for as long as the stream, to be read anew when the mesh changes.
    if (forwardedClientCert !== undefined) call.hold(forwardedClientCert.length);
  }

  message(bytes: Buffer): void {
    const before = this.#stream.size;
    if (!this.#stream.message(bytes)) {
      this.#call.end({ code: GRPC_STATUS.INVALID_ARGUMENT, details: "the identifier is too large" });
      return;
    }
    if (this.#stream.size !== before) this.#call.hold(this.#stream.size - before);
  }

  halfClosed(): void {
    this.retire();
  }

  retire(): void {
    this.#call.send(EMPTY_RESPONSE);
    this.#call.end(OK);
  }

  closed(): void {
    this.#stream.close();
  }
}
