import type { StreamIdentifier } from "../access-log-entry.ts";
import { decodeAccessLogMessage } from "../decode/message.ts";
import type { AccessLogSink, AccessLogStream } from "./sink.ts";

/** What is known of a stream before its first message. */
export type Connection = Pick<AccessLogStream, "peer" | "forwardedClientCert">;

/**
 * The messages of one stream on their way to the sink.
 *
 * The first identifier names the stream for good. Envoy sends no second one; a sender that does shall not pass from one identity to another.
 */
export class IngestStream {
  readonly #connection: Connection;
  readonly #sink: Required<AccessLogSink>;
  readonly #maxEntries: number;
  #stream: AccessLogStream | undefined;
  #size = 0;

  constructor(connection: Connection, sink: Required<AccessLogSink>, maxEntries: number) {
    this.#connection = connection;
    this.#sink = sink;
    this.#maxEntries = maxEntries;
  }

  /** Characters that are kept of what the stream says of itself. */
  get size(): number {
    return this.#size;
  }

  /** Returns false when the stream says more of itself than anybody could: it must not go on. */
  message(bytes: Buffer): boolean {
    const options = { maxEntries: this.#maxEntries, wantsIdentifier: this.#stream === undefined };
    const { identifier, identifierTooLarge, entries, malformed, surplus, error } = decodeAccessLogMessage(bytes, options);
    if (error !== undefined) this.#sink.dropped("malformed_message", 1, error);
    if (malformed > 0) this.#sink.dropped("malformed_entry", malformed);
    if (surplus > 0) this.#sink.dropped("too_many_entries", surplus);
    if (identifierTooLarge) this.#sink.dropped("identifier_too_large", 1);
    if (identifier !== undefined) this.#open(identifier);
    if (entries.length > 0) {
      if (this.#stream === undefined) this.#sink.dropped("no_identifier", entries.length);
      else this.#sink.entries(this.#stream, entries);
    }
    return !identifierTooLarge;
  }

  close(): void {
    if (this.#stream !== undefined) this.#sink.closed(this.#stream);
    this.#stream = undefined;
  }

  /** Only what says whose stream it is stays: the mesh may change, and then that is looked at anew. */
  #open({ logName, node: { id, namespace, labels, istioVersion } }: StreamIdentifier): void {
    this.#stream = { logName, node: { id, namespace, labels, istioVersion }, ...this.#connection };
    const texts = [logName, id, namespace, istioVersion, ...Object.entries(labels).flat()];
    this.#size = texts.reduce((sum, text) => sum + text.length, 0);
    this.#sink.opened(this.#stream);
  }
}
