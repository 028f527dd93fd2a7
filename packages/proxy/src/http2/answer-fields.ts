import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import { keepSensitive, sensitiveNames } from "./sensitive-fields.ts";

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
 * The fields as they go on: without `TE`, which means nothing in an answer, as over HTTP/1.1. nghttp2
 * takes `Trailers` for a valid value, and Node throws at it.
 */
export function relayedFields(fields: AnswerFields, rawFields: readonly string[]): readonly string[] {
  const relayed = "te" in fields ? rawFields.filter((_, at) => rawFields[at - (at % 2)] !== "te") : rawFields;
  return keepSensitive(relayed, sensitiveNames(fields));
}
