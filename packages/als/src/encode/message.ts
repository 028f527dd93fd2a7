import { type EnvoyNode, ReverseWriter, writeNode } from "@fenceline/wire";
import { type EntryFields, writeEntry } from "./entry.ts";

/**
 * A {@link StreamIdentifier} to be written. A field of the node that is left out is absent on the
 * wire.
 */
export interface IdentifierFields {
  readonly logName: string;
  readonly node: Partial<EnvoyNode>;
}

/** Fields of a `StreamAccessLogsMessage` to be written. */
export interface MessageFields {
  /** For the first message of a stream. */
  readonly identifier?: IdentifierFields | undefined;
  /**
   * The kind of all entries of the message. Default `http`. For `tcp`, authority, response code and
   * fence source are not written.
   */
  readonly kind?: "http" | "tcp";
  readonly entries: readonly EntryFields[];
}

/** One writer for all: encoding is synchronous and has no callbacks. */
const writer = new ReverseWriter();

/**
 * The bytes of a `StreamAccessLogsMessage`. They are the same in v2 and v3, except for custom tags
 * and log types, which v2 does not have.
 */
export function encodeAccessLogMessage({ identifier, kind = "http", entries }: MessageFields): Buffer {
  for (const entry of entries.toReversed()) writeEntry(writer, kind, entry);
  if (entries.length > 0) writer.message(kind === "http" ? 2 : 3, 0);
  if (identifier !== undefined) writeIdentifier(identifier);
  return writer.take();
}

/** Writes `Identifier identifier = 1 { node = 1, log_name = 2 }`, fields in reverse. */
function writeIdentifier({ logName, node }: IdentifierFields): void {
  const mark = writer.size;
  writer.string(2, logName);
  writeNode(writer, node);
  writer.message(1, mark);
}
