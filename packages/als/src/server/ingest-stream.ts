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
  #stream: AccessLogStream | undefined;

  constructor(connection: Connection, sink: Required<AccessLogSink>) {
    this.#connection = connection;
    this.#sink = sink;
  }

  message(bytes: Buffer): void {
    const { identifier, entries, malformed, error } = decodeAccessLogMessage(bytes);
    if (error !== undefined) this.#sink.dropped("malformed_message", 1, error);
    if (malformed > 0) this.#sink.dropped("malformed_entry", malformed);
    if (identifier !== undefined && this.#stream === undefined) this.#open(identifier);
    if (entries.length === 0) return;
    if (this.#stream === undefined) this.#sink.dropped("no_identifier", entries.length);
    else this.#sink.entries(this.#stream, entries);
  }

  close(): void {
    if (this.#stream !== undefined) this.#sink.closed(this.#stream);
    this.#stream = undefined;
  }

  #open(identifier: StreamIdentifier): void {
    this.#stream = { ...identifier, ...this.#connection };
    this.#sink.opened(this.#stream);
  }
}
