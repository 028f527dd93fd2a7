import type { StreamIdentifier } from "../access-log-entry.ts";
import { type DecodeOptions, decodeAccessLogMessage } from "../decode/message.ts";
import type { AccessLogSink, AccessLogStream } from "./sink.ts";

/** What is known of a stream before its first message. */
export type Connection = Pick<AccessLogStream, "peer" | "forwardedClientCert">;

/** Which parts of every message of a stream are read. */
export type WantedOfMessages = Required<Pick<DecodeOptions, "maxEntries" | "wantsRequestIds">>;

/**
 * The outcome of a message. `taken`: it was processed. `too_large`: the stream's identifier is
 * impossibly large, and the stream must end. `not_admitted`: the stream may not be opened with its
 * log name yet, and nothing of the message was processed.
 */
export type MessageOutcome = "taken" | "too_large" | "not_admitted";

/**
 * The messages of one stream on their way to the sink.
 *
 * Only the first identifier counts. Envoy sends no second one, and a sender that does must not
 * change its identity.
 */
export class LogStream {
  readonly #connection: Connection;
  readonly #sink: Required<AccessLogSink>;
  readonly #wanted: WantedOfMessages;
  readonly #admits: (logName: string) => boolean;
  #stream: AccessLogStream | undefined;
  #size = 0;

  /** @param admits whether a stream with this log name may be opened now */
  constructor(connection: Connection, sink: Required<AccessLogSink>, wanted: WantedOfMessages, admits: (logName: string) => boolean) {
    this.#connection = connection;
    this.#sink = sink;
    this.#wanted = wanted;
    this.#admits = admits;
  }

  /** Characters of the identifier that are kept. */
  get size(): number {
    return this.#size;
  }

  message(bytes: Buffer): MessageOutcome {
    const options = { ...this.#wanted, wantsIdentifier: this.#stream === undefined };
    const { identifier, identifierTooLarge, entries, malformed, surplus, error } = decodeAccessLogMessage(bytes, options);
    if (identifier !== undefined && !this.#admits(identifier.logName)) return "not_admitted";
    if (error !== undefined) this.#sink.dropped("malformed_message", 1, error);
    if (malformed > 0) this.#sink.dropped("malformed_entry", malformed);
    if (surplus > 0) this.#sink.dropped("too_many_entries", surplus);
    if (identifierTooLarge) this.#sink.dropped("identifier_too_large", 1);
    if (identifier !== undefined) this.#open(identifier);
    if (entries.length > 0) {
      if (this.#stream === undefined) this.#sink.dropped("no_identifier", entries.length);
      else this.#sink.entries(this.#stream, entries);
    }
    return identifierTooLarge ? "too_large" : "taken";
  }

  close(): void {
    if (this.#stream !== undefined) this.#sink.closed(this.#stream);
    this.#stream = undefined;
  }

  /** Keeps only what identifies the sender. It is read again when the mesh changes. */
  #open({ logName, node: { id, namespace, labels, istioVersion } }: StreamIdentifier): void {
    this.#stream = { logName, node: { id, namespace, labels, istioVersion }, ...this.#connection };
    const texts = [logName, id, namespace, istioVersion, ...Object.entries(labels).flat()];
    this.#size = texts.reduce((sum, text) => sum + text.length, 0);
    this.#sink.opened(this.#stream);
  }
}
