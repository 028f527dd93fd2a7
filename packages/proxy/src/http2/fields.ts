import { type IncomingHttpHeaders, type IncomingHttpStatusHeader, sensitiveHeaders } from "node:http2";

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

/** The one field specific to a connection that nghttp2 lets through and Node does not. */
const FORBIDDEN = "http2-settings";

/** Whether HTTP/2 has this status and these fields. */
export function isRelayable(fields: AnswerFields): boolean {
  const status = fields[":status"] ?? 0;
  return status >= 200 && status <= 599 && !(FORBIDDEN in fields);
}

/**
 * The fields as they go on: without `TE`, which means nothing in an answer, as over HTTP/1.1.
 * nghttp2 takes `Trailers` for a valid value, and Node throws at it.
 */
export function relayedFields(fields: AnswerFields, rawFields: readonly string[]): readonly string[] {
  const relayed = "te" in fields ? rawFields.filter((_, at) => rawFields[at - (at % 2)] !== "te") : rawFields;
  return keepSensitive(relayed, sensitiveNames(fields));
}
