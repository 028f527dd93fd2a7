import { ReverseWriter } from "@fenceline/wire";
import { type EntryFields, writeEntry } from "./entry.ts";
import { type IdentifierFields, writeIdentifier } from "./identifier.ts";

/** What a `StreamAccessLogsMessage` shall say. */
export interface MessageFields {
  /** For the first message of a stream. */
  readonly identifier?: IdentifierFields | undefined;
  /**
   * One message carries entries of one kind. Default `http`; authority, response code and fence
   * source are not written for `tcp`.
   */
  readonly kind?: "http" | "tcp";
  readonly entries: readonly EntryFields[];
}

/** One writer for all: encoding is synchronous and calls nobody back. */
const writer = new ReverseWriter();

/**
 * The bytes of a `StreamAccessLogsMessage`, the same in v2 and v3 but for custom tags and log
 * types, which v2 does not know.
 */
export function encodeAccessLogMessage({ identifier, kind = "http", entries }: MessageFields): Buffer {
  for (const entry of entries.toReversed()) writeEntry(writer, kind, entry);
  if (entries.length > 0) writer.message(kind === "http" ? 2 : 3, 0);
  if (identifier !== undefined) writeIdentifier(writer, identifier);
  return writer.take();
}
