import type { EnvoyNode } from "@fenceline/wire";
import type { AccessLogEntry } from "../access-log-entry.ts";

/** One stream of access logs, as far as its sender and its connection describe it. */
export interface AccessLogStream {
  /** Log name of the first message. */
  readonly logName: string;
  /** What attribution reads of the first message's node: a claim of the sender's. */
  readonly node: Pick<EnvoyNode, "id" | "namespace" | "labels" | "istioVersion">;
  /** `ip:port` of the connection's other end: behind a sidecar that is the sidecar. */
  readonly peer: string;
  /**
   * Metadata `x-forwarded-client-cert`, the identity that the receiving Istio proxy saw; undefined
   * when there is none.
   */
  readonly forwardedClientCert: string | undefined;
}

/**
 * Why something did not reach {@link AccessLogSink.entries}. Counted in entries, but for
 * `malformed_message`, `identifier_too_large` and `too_many_streams`.
 *
 * - `no_identifier`: entries before the stream said who it is
 * - `malformed_entry`: not valid protobuf, or text that is not UTF-8; the rest of its message was
 *   kept
 * - `malformed_message`: what stood before the break was kept
 * - `sink_error`: the sink threw
 * - `too_many_streams`: a stream was refused
 * - `too_many_entries`: a message had more entries than are taken
 * - `identifier_too_large`: a stream said more of itself than is kept, and was ended
 */
export const DROP_REASONS = [
  "no_identifier",
  "malformed_entry",
  "malformed_message",
  "sink_error",
  "too_many_streams",
  "too_many_entries",
  "identifier_too_large",
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

/**
 * Where access logs go. Called on the event loop between two reads of the socket, so what it does
 * not finish at once holds up every stream.
 */
export interface AccessLogSink {
  /** Entries of one message, at least one. The array is the sink's to keep. */
  entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void;
  /** Something was left out, and by which error if one was thrown or made. */
  dropped(reason: DropReason, count: number, cause?: unknown): void;
  /** A stream has said who it is. */
  opened?(stream: AccessLogStream): void;
  /** A stream that was opened has ended, for whatever reason. */
  closed?(stream: AccessLogStream): void;
}

/**
 * The same sink, but its errors are counted and go no further: a broken sink must not end a stream,
 * which Envoy would answer by reconnecting for ever.
 */
export function guardSink(sink: AccessLogSink): Required<AccessLogSink> {
  const dropped = (reason: DropReason, count: number, cause?: unknown): void => {
    try {
      sink.dropped(reason, count, cause);
    } catch {
      // There is nobody left to tell.
    }
  };
  const guard = (count: number, call: () => void): void => {
    try {
      call();
    } catch (cause) {
      dropped("sink_error", count, cause);
    }
  };
  return {
    dropped,
    entries: (stream, entries) => guard(entries.length, () => sink.entries(stream, entries)),
    opened: (stream) => guard(0, () => sink.opened?.(stream)),
    closed: (stream) => guard(0, () => sink.closed?.(stream)),
  };
}
