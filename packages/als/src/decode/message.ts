import { FencelineError } from "@fenceline/api/vocabulary";
import { MAX_MESSAGE_BYTES, NodeDraft, readNode, StringCache, WireReader } from "@fenceline/wire";
import type { AccessLogEntry, StreamIdentifier } from "../access-log-entry.ts";
import { readHttpEntry, readTcpEntry } from "./entry.ts";
import { EntryDraft } from "./entry-draft.ts";

/** Tags, `field number << 3 | wire type`, of `StreamAccessLogsMessage`, … */
const IDENTIFIER = (1 << 3) | 2;
const HTTP_LOGS = (2 << 3) | 2;
const TCP_LOGS = (3 << 3) | 2;
/** … of its `HTTPAccessLogEntries` and `TCPAccessLogEntries`, … */
const LOG_ENTRY = (1 << 3) | 2;
/** … and of `Identifier`. */
const NODE = (1 << 3) | 2;
const LOG_NAME = (2 << 3) | 2;

/** One decoded `StreamAccessLogsMessage`. */
export interface AccessLogMessage {
  /** Undefined when the message has none, or it is broken. */
  readonly identifier: StreamIdentifier | undefined;
  readonly entries: readonly AccessLogEntry[];
  /**
   * Number of entries that were not valid protobuf, or had text that is not UTF-8. Only these are
   * left out of `entries`.
   */
  readonly malformed: number;
  /** Number of entries beyond `maxEntries`. They were not read. */
  readonly surplus: number;
  /**
   * The identifier has more labels than a pod can have, or too long a log name. Then no part of it
   * is used, and `identifier` is undefined.
   */
  readonly identifierTooLarge: boolean;
  /**
   * The message around the entries was broken, code `ALS_MESSAGE_MALFORMED`. What came before the
   * break is kept.
   */
  readonly error: FencelineError | undefined;
}

/** Which parts of a message are read. */
export interface DecodeOptions {
  /** Default: all of them. */
  readonly maxEntries?: number;
  /**
   * Whether the identifier is read. Only the first one of a stream counts, so those of later
   * messages need not be read. Default true.
   */
  readonly wantsIdentifier?: boolean;
  /** Whether each entry's `x-request-id` is read. Default false. */
  readonly wantsRequestIds?: boolean;
}

/** Stands for too long a log name. No valid log name has a line feed. */
const TOO_LONG = "\n";

class MessageDraft {
  readonly maxEntries: number;
  readonly wantsIdentifier: boolean;
  readonly wantsRequestIds: boolean;
  /** Entries so far, valid or not, of either kind. */
  read = 0;
  surplus = 0;
  kind: "http" | "tcp" | undefined = undefined;
  entries: AccessLogEntry[] = [];
  malformed = 0;
  identifier: { logName: string; node: NodeDraft } | undefined = undefined;
  identifierBroken = false;

  constructor({ maxEntries = Number.POSITIVE_INFINITY, wantsIdentifier = true, wantsRequestIds = false }: DecodeOptions) {
    this.maxEntries = maxEntries;
    this.wantsIdentifier = wantsIdentifier;
    this.wantsRequestIds = wantsRequestIds;
  }
}

/** One reader for all streams: decoding is synchronous and has no callbacks. */
const reader = new WireReader(new StringCache());

/**
 * Decodes one `envoy.service.accesslog` message, v2 or v3: both have the same field numbers, but v2
 * lacks some.
 *
 * Fields that are not needed are skipped, so an error inside one is not noticed. Never throws: see
 * `malformed` and `error` of the result.
 */
export function decodeAccessLogMessage(bytes: Uint8Array, options: DecodeOptions = {}): AccessLogMessage {
  const draft = new MessageDraft(options);
  if (bytes.length > MAX_MESSAGE_BYTES) return finish(draft, false);
  reader.reset(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === HTTP_LOGS) readEntries("http", bytes.length, draft);
    else if (tag === TCP_LOGS) readEntries("tcp", bytes.length, draft);
    else if (tag === IDENTIFIER && draft.wantsIdentifier) readIdentifier(bytes.length, draft);
    else reader.skip(tag, bytes.length);
  }
  const whole = reader.at === bytes.length;
  reader.reset(NOTHING);
  return finish(draft, whole);
}

const NOTHING = Buffer.alloc(0);

function finish(draft: MessageDraft, whole: boolean): AccessLogMessage {
  const { identifier, identifierBroken, entries, malformed, surplus } = draft;
  const error = whole && !identifierBroken ? undefined : malformedMessage(identifierBroken);
  const identifierTooLarge = identifier !== undefined && (identifier.logName === TOO_LONG || identifier.node.isTooLarge);
  const isNamed = identifier !== undefined && !identifierBroken && !identifierTooLarge;
  const named = isNamed ? { logName: identifier.logName, node: identifier.node.finish() } : undefined;
  return { identifier: named, entries, malformed, surplus, identifierTooLarge, error };
}

function malformedMessage(identifierBroken: boolean): FencelineError {
  const part = identifierBroken ? "the identifier of an access-log message" : "an access-log message";
  return new FencelineError("ALS_MESSAGE_MALFORMED", { message: `${part} is not valid protobuf` });
}

/**
 * `http_logs` and `tcp_logs` are a oneof: the later kind unsets the earlier one, the same kind
 * again appends.
 */
function readEntries(kind: "http" | "tcp", outerEnd: number, draft: MessageDraft): void {
  if (draft.kind !== kind) draft.entries = [];
  draft.kind = kind;
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag !== LOG_ENTRY) reader.skip(tag, end);
    else if (draft.read++ < draft.maxEntries) readEntry(kind, end, draft);
    else {
      draft.surplus++;
      reader.skip(tag, end);
    }
  }
  reader.close(end);
}

/**
 * An entry's length says where the next one begins, so a broken entry does not affect the others.
 */
function readEntry(kind: "http" | "tcp", outerEnd: number, draft: MessageDraft): void {
  const end = reader.open(outerEnd);
  if (reader.at > end) return;
  const entry = new EntryDraft(draft.wantsRequestIds);
  if (kind === "http") readHttpEntry(reader, end, entry);
  else readTcpEntry(reader, end, entry);
  if (reader.at === end) draft.entries.push(entry.finish(kind));
  else draft.malformed++;
  reader.at = end;
}

/**
 * Two identifiers in one message are merged, like every sub-message. No part of a broken one is
 * used.
 */
function readIdentifier(outerEnd: number, draft: MessageDraft): void {
  const end = reader.open(outerEnd);
  if (reader.at > end) return;
  draft.identifier ??= { logName: "", node: new NodeDraft() };
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === NODE) readNode(reader, end, draft.identifier.node);
    else if (tag === LOG_NAME) draft.identifier.logName = reader.string(end, TOO_LONG);
    else reader.skip(tag, end);
  }
  if (reader.at !== end) draft.identifierBroken = true;
  reader.at = end;
}
