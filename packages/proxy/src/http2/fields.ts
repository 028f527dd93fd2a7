import { type IncomingHttpHeaders, type IncomingHttpStatusHeader, type OutgoingHttpHeaders, sensitiveHeaders } from "node:http2";
import { plainLength } from "../destination/plain-length.ts";
import { MAX_HEADER_LIST_SIZE } from "./options.ts";

/**
 * Names of the fields that their sender wants in no compression table, because their values could
 * be guessed from its state (RFC 7541 §7.1.3).
 */
export function sensitiveNames(fields: IncomingHttpHeaders): readonly string[] {
  // Node puts them there under a symbol that its types know only of the headers that are sent.
  const names: unknown = Reflect.get(fields, sensitiveHeaders);
  return Array.isArray(names) ? names : [];
}

/**
 * The same flat list, marked so that these fields stay out of the next connection's compression
 * table, too.
 */
export function keepSensitive(fields: readonly string[], names: readonly string[]): readonly string[] {
  return names.length === 0 ? fields : Object.assign([...fields], { [sensitiveHeaders]: names });
}

/** Pseudo header and fields of an answer. */
export type AnswerFields = IncomingHttpHeaders & IncomingHttpStatusHeader;

/**
 * Whether Node sends this status, and the length can be counted to: nghttp2 counts in 64 bits,
 * JavaScript in 53, and an HTTP/1.1 answer has the same limit.
 */
export function isRelayable(fields: AnswerFields): boolean {
  const { ":status": status = 0, "content-length": length } = fields;
  if (status < 200 || status > 599) return false;
  return length === undefined || Number.isSafeInteger(Number(length));
}

/**
 * Fields of an answer that end here (RFC 9110 §7.6.1, §11.7), as over HTTP/1.1. nghttp2 takes
 * `http2-settings`, and `Trailers` for a valid value of `TE`; Node throws at both.
 */
const ENDING = ["te", "http2-settings", "proxy-authenticate", "proxy-authentication-info"];
const ENDS_HERE: ReadonlySet<string> = new Set(ENDING);

const RESET_CONTENT = 205;
/** Of a 205, which a destination may send with content anyway: then its length is wrong. */
const ENDS_WITH_CONTENT: ReadonlySet<string> = new Set([...ENDS_HERE, "content-length"]);

/**
 * Names and values of a header, or of trailers, together: as many as an HTTP/1.1 answer may have.
 */
const MAX_FIELD_PARTS = 2_000;

/**
 * Whether a header or trailers of a destination are beyond what may be relayed. Node refuses them
 * by itself (ENHANCE_YOUR_CALM) once the destination has acknowledged our SETTINGS, but not those
 * of the first streams; and what is larger still nghttp2 does not send, without a word.
 */
export function areTooLarge(rawFields: readonly string[]): boolean {
  return rawFields.length > MAX_FIELD_PARTS || fieldsSize(rawFields) > MAX_HEADER_LIST_SIZE;
}

/** What a field counts beside its name and value (RFC 9113 §6.5.2). */
export const FIELD_OVERHEAD = 32;

/**
 * Bytes of fields, unpacked, as RFC 9113 §6.5.2 counts them.
 *
 * @param rawFields flat list of names and values
 */
export function fieldsSize(rawFields: readonly string[]): number {
  let size = (rawFields.length / 2) * FIELD_OVERHEAD;
  for (const part of rawFields) size += part.length;
  return size;
}

/** The fields as they go on: without those that end here, and with a plain length. */
export function relayedFields(fields: AnswerFields, rawFields: readonly string[]): readonly string[] {
  const isReset = fields[":status"] === RESET_CONTENT;
  const ends = isReset || ENDING.some((name) => name in fields);
  const ended = isReset ? ENDS_WITH_CONTENT : ENDS_HERE;
  const relayed = ends ? rawFields.filter((_, at) => !ended.has(rawFields[at - (at % 2)] ?? "")) : rawFields;
  return keepSensitive(withPlainLength(relayed, fields["content-length"]), sensitiveNames(fields));
}

/** The same of an interim answer. */
export function interimFields(fields: IncomingHttpHeaders, rawFields: readonly string[]): OutgoingHttpHeaders {
  return allowedFields(fields, rawFields, ENDS_HERE);
}

/** @param length value of Content-Length. nghttp2 has seen to it that it is digits, and once */
function withPlainLength(fields: readonly string[], length: string | undefined): readonly string[] {
  if (length === undefined) return fields;
  const plain = plainLength(length);
  if (plain === length) return fields;
  return fields.map((text, at) => (at % 2 === 1 && fields[at - 1] === "content-length" ? plain : text));
}

/**
 * Fields as they came but for some, where Node sends no flat list: trailers and interim answers. A
 * name that stands twice goes on twice. Node joins its values with a comma, which no reader of
 * gRPC's binary metadata (`-bin`) takes apart, or keeps the first one alone.
 *
 * @param fields as Node hands them over. Most go on as they are
 * @param rawFields flat list of names and values
 * @param never names in small letters. Of trailers those that must not come after a body: what
 * reads them next would take them for what stood in the header
 */
export function allowedFields(fields: IncomingHttpHeaders, rawFields: readonly string[], never: ReadonlySet<string>): OutgoingHttpHeaders {
  const names = Object.keys(fields);
  const asTheyAre = names.length * 2 === rawFields.length && !names.some((name) => never.has(name));
  return asTheyAre ? fields : listed(fields, rawFields, never);
}

function listed(fields: IncomingHttpHeaders, rawFields: readonly string[], never: ReadonlySet<string>): OutgoingHttpHeaders {
  const values = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawFields.length; i += 2) {
    const name = rawFields[i] ?? "";
    const value = rawFields[i + 1] ?? "";
    if (never.has(name)) continue;
    const before = values.get(name);
    if (before === undefined) values.set(name, [value]);
    else before.push(value);
  }
  const kept: OutgoingHttpHeaders = Object.fromEntries(values);
  const status = fields[":status"];
  if (status !== undefined) kept[":status"] = status;
  const sensitive = sensitiveNames(fields);
  return sensitive.length === 0 ? kept : Object.assign(kept, { [sensitiveHeaders]: sensitive });
}
