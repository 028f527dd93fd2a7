import type { StreamIdentifier } from "../access-log-entry.ts";
import { type DecodeOptions, decodeAccessLogMessage } from "../decode/message.ts";
import type { AccessLogSink, AccessLogStream } from "./sink.ts";

/** What is known of a stream before its first message. */
export type Connection = Pick<AccessLogStream, "peer" | "forwardedClientCert">;

/** What is read of every message of a stream. */
export type WantedOfMessages = Required<Pick<DecodeOptions, "maxEntries" | "wantsRequestIds">>;

/**
 * What became of a message: it was taken; the stream says more of itself than anybody could, and
 * must not go on; or it is not to be opened under its log name yet, and nothing of the message was
 * taken.
 */
export type MessageOutcome = "taken" | "too_large" | "not_admitted";

/**
 * The messages of one stream on their way to the sink.
 *
 * The first identifier names the stream for good. Envoy sends no second one; a sender that does
 * must not pass from one identity to another.
 */
export class LogStream {
  readonly #connection: Connection;
  readonly #sink: Required<AccessLogSink>;
  readonly #wanted: WantedOfMessages;
  readonly #admits: (logName: string) => boolean;
  #stream: AccessLogStream | undefined;
  #size = 0;

  /** @param admits whether a stream may be opened under this log name now */
  constructor(connection: Connection, sink: Required<AccessLogSink>, wanted: WantedOfMessages, admits: (logName: string) => boolean) {
    this.#connection = connection;
    this.#sink = sink;
    this.#wanted = wanted;
    this.#admits = admits;
  }

  /** Characters that are kept of what the stream says of itself. */
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

  /**
   * Only what says whose stream it is stays. When the mesh changes, that is looked at again.
   */
  #open({ logName, node: { id, namespace, labels, istioVersion } }: StreamIdentifier): void {
    this.#stream = { logName, node: { id, namespace, labels, istioVersion }, ...this.#connection };
    const texts = [logName, id, namespace, istioVersion, ...Object.entries(labels).flat()];
    this.#size = texts.reduce((sum, text) => sum + text.length, 0);
    this.#sink.opened(this.#stream);
  }
}
