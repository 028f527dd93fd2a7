import type { EnvoyNode } from "@fenceline/wire";
import type { AccessLogEntry } from "../access-log-entry.ts";

/** One stream of access logs, as described by its sender and its connection. */
export interface AccessLogStream {
  /** Log name of the first message. */
  readonly logName: string;
  /**
   * The part of the first message's node that attribution reads. It is only a claim of the sender.
   */
  readonly node: Pick<EnvoyNode, "id" | "namespace" | "labels" | "istioVersion">;
  /** `ip:port` of the connection's other end: behind a sidecar that is the sidecar. */
  readonly peer: string;
  /**
   * Metadata `x-forwarded-client-cert`: the identity that the receiving Istio proxy saw. Undefined
   * when there is none.
   */
  readonly forwardedClientCert: string | undefined;
}

/**
 * Why something did not reach {@link AccessLogSink.entries}. Counted in entries, except for
 * `malformed_message`, `identifier_too_large` and `too_many_streams`.
 *
 * - `no_identifier`: entries before the identifier of the stream
 * - `malformed_entry`: not valid protobuf, or text that is not UTF-8; the rest of its message was
 *   kept
 * - `malformed_message`: what came before the break was kept
 * - `sink_error`: the sink threw
 * - `too_many_streams`: a stream was refused
 * - `too_many_entries`: a message had more entries than are read
 * - `identifier_too_large`: the identifier of a stream was too large, and the stream was ended
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
 * Where access logs go. It is called on the event loop between two reads of the socket, so a slow
 * sink delays every stream.
 */
export interface AccessLogSink {
  /** Entries of one message, at least one. The sink may keep the array. */
  entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void;
  /** Something was left out. `cause` is the error, if there was one. */
  dropped(reason: DropReason, count: number, cause?: unknown): void;
  /** A stream has sent its identifier. */
  opened?(stream: AccessLogStream): void;
  /** A stream that was opened has ended, for whatever reason. */
  closed?(stream: AccessLogStream): void;
}

/**
 * The same sink, but its errors are only counted. A broken sink must not end a stream, since Envoy
 * would reconnect for ever.
 */
export function guardSink(sink: AccessLogSink): Required<AccessLogSink> {
  const dropped = (reason: DropReason, count: number, cause?: unknown): void => {
    try {
      sink.dropped(reason, count, cause);
    } catch {
      // Nobody is left to be told.
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
