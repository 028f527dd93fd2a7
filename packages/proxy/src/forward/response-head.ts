/** undici hands over raw fields as buffers; its type also allows strings. */
type RawField = Buffer | string;

/** What is forwarded of an answer's header. */
export interface ResponseHead {
  /** Flat list of names and values: case, order and duplicates as the destination sent them. */
  fields: string[];
  hasContentLength: boolean;
  /** `Trailer`, kept apart: node:http refuses it on an answer that is not chunked. */
  trailer: string | undefined;
  connection: string | undefined;
  transferEncoding: string | undefined;
}

type FieldRule = (head: ResponseHead, value: string, name: string) => void;

const drop: FieldRule = () => {};

/** The fields that are not simply forwarded: hop-by-hop ones (RFC 9110 §7.6.1), and those that node:http has an opinion on. */
const RULES = new Map<string, FieldRule>([
  [
    "connection",
    (head, value) => {
      head.connection = joined(head.connection, value);
    },
  ],
  // undici has removed the chunked coding, node:http adds its own.
  [
    "transfer-encoding",
    (head, value) => {
      head.transferEncoding = joined(head.transferEncoding, value);
    },
  ],
  [
    "trailer",
    (head, value) => {
      head.trailer = joined(head.trailer, value);
    },
  ],
  [
    "content-length",
    (head, value, name) => {
      head.hasContentLength = true;
      head.fields.push(name, value);
    },
  ],
  ["keep-alive", drop],
  ["proxy-connection", drop],
  ["proxy-authenticate", drop],
  ["te", drop],
  ["upgrade", drop],
]);

/** Fields of an answer that Connection must not take away: they frame it or guard the caller. */
const PROTECTED = new Set(["content-length", "content-type", "content-encoding", "set-cookie", "date", "cache-control", "vary"]);

/** Fields that must not come after the body (RFC 9110 §6.5.1): they frame, route or describe what was already acted on. */
const NEVER_A_TRAILER = new Set([...RULES.keys(), "content-encoding", "content-type", "content-range", "host", "set-cookie"]);

/**
 * Sorts the raw header of an answer.
 *
 * @param raw undici's flat list of names and values
 * @returns undefined for a transfer coding besides `chunked`: it would be lost on the way, and the body be garbage then
 */
export function readResponseHead(raw: readonly RawField[], status: number): ResponseHead | undefined {
  const head: ResponseHead = {
    fields: [],
    hasContentLength: false,
    trailer: undefined,
    connection: undefined,
    transferEncoding: undefined,
  };
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = latin1(raw[i]);
    const value = latin1(raw[i + 1]);
    const rule = RULES.get(name.toLowerCase());
    if (rule === undefined) head.fields.push(name, value);
    else rule(head, value, name);
  }
  if (head.transferEncoding !== undefined && head.transferEncoding.toLowerCase() !== "chunked") return undefined;
  if (!NAMES_NO_FIELD.has(head.connection)) head.fields = without(head.fields, namedByConnection(head.connection ?? ""));
  // RFC 9110 §8.6: a 204 has no Content-Length, whatever the destination wrote; some clients would wait for a body.
  if (status === 204 && head.hasContentLength) head.fields = without(head.fields, new Set(["content-length"]));
  return head;
}

/** Trailers of an answer as name and value pairs, without those that may not be trailers. */
export function readTrailers(raw: readonly RawField[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = latin1(raw[i]);
    if (!NEVER_A_TRAILER.has(name.toLowerCase())) trailers.push([name, latin1(raw[i + 1])]);
  }
  return trailers;
}

/** What nearly every answer has as Connection. */
const NAMES_NO_FIELD = new Set<string | undefined>([undefined, "keep-alive", "close"]);

function namedByConnection(connection: string): Set<string> {
  const options = connection.toLowerCase().split(",");
  return new Set(options.map((option) => option.trim()).filter((option) => !PROTECTED.has(option)));
}

function without(fields: readonly string[], unwanted: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? "";
    if (!unwanted.has(name.toLowerCase())) kept.push(name, fields[i + 1] ?? "");
  }
  return kept;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function latin1(field: RawField | undefined): string {
  return field === undefined || typeof field === "string" ? (field ?? "") : field.toString("latin1");
}
