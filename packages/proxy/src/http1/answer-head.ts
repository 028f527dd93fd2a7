import { NEVER_AN_ANSWER_TRAILER } from "../destination/answer-trailers.ts";
import { DROPPED_FIELDS, dropNamedByConnection, joined, without } from "../destination/hop-by-hop.ts";
import { plainLength } from "../destination/plain-length.ts";

/** Header of an answer, split into the fields that frame it and those that are relayed. */
export interface AnswerHead {
  status: number;
  reason: string;
  /** Minor version: 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minor: number;
  /**
   * Flat list of names and values to relay, without hop-by-hop fields. Case, order and duplicates
   * are as the destination sent them.
   */
  fields: string[];
  contentLength: number | undefined;
  chunked: boolean;
  /** `Trailer`, kept apart: node:http refuses it on an answer that is not chunked. */
  trailer: string | undefined;
  connection: string | undefined;
  /** Value of `Keep-Alive`. */
  keepAlive: string | undefined;
}

/** Handles one field. Returns what is wrong with it, if anything. */
type FieldRule = (head: AnswerHead, value: string, name: string) => string | undefined;

const drop: FieldRule = () => undefined;

const forward: FieldRule = (head, value, name) => {
  head.fields.push(name, value);
  return undefined;
};

/**
 * Whether this is an interim answer or a 101. It ends with its header, whatever its fields say (RFC
 * 9112 §6.3), so fields that frame a body are left out of it: some clients would wait for one.
 */
function isInterim({ status }: AnswerHead): boolean {
  return status < 200;
}

const contentLength: FieldRule = (head, value, name) => {
  if (isInterim(head)) return undefined;
  // RFC 9112 §6.3: a list or a second field is a fault. With either value, destination and caller
  // could disagree on where the answer ends.
  if (head.contentLength !== undefined) return "Content-Length stands twice";
  const length = DIGITS.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) return "Content-Length is not a number that can be counted to";
  head.contentLength = length;
  head.fields.push(name, plainLength(value));
  return undefined;
};

const transferEncoding: FieldRule = (head, value) => {
  if (isInterim(head)) return undefined;
  // Any other coding would be removed on the way, so the body would be unreadable. Twice chunked is
  // forbidden (RFC 9112 §6.1).
  if (head.chunked || value.toLowerCase() !== "chunked") return "Transfer-Encoding is not exactly 'chunked'";
  head.chunked = true;
  return undefined;
};

const connection: FieldRule = (head, value) => {
  head.connection = joined(head.connection, value);
  return undefined;
};

const trailer: FieldRule = (head, value) => {
  head.trailer = joined(head.trailer, value);
  return undefined;
};

const keepAlive: FieldRule = (head, value) => {
  head.keepAlive = joined(head.keepAlive, value);
  return undefined;
};

/** Fields that are not simply relayed: hop-by-hop fields, and those that frame the answer. */
const RULES = new Map<string, FieldRule>([
  ["content-length", contentLength],
  ["transfer-encoding", transferEncoding],
  ["connection", connection],
  ["trailer", trailer],
  ["keep-alive", keepAlive],
  ["te", drop],
  ...DROPPED_FIELDS.map((name) => [name, drop] as const),
]);

/** Fields of an answer that Connection must not remove: they frame it or protect the caller. */
const PROTECTED = new Set(["content-length", "content-type", "content-encoding", "set-cookie", "date", "cache-control", "vary"]);

const CONTENT_LENGTH = new Set(["content-length"]);

/** Most fields, as for a request. */
const MAX_FIELDS = 1_000;
const DIGITS = /^\d+$/;
/** RFC 9112 §4, split at blanks. The space before a missing reason phrase is often left out. */
const STATUS_LINE = /^HTTP\/1\.([01])[ \t]+([1-9]\d\d)(?:[ \t](.*))?$/;
/**
 * RFC 9110 §5.6.2. Also refuses white space before the colon and folded lines (RFC 9112 §5.1,
 * §5.2).
 */
const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** Control characters other than tab, and line ends that are not CR LF. */
const FORBIDDEN = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;

/**
 * Rules by the names in their original spelling. Destinations use the same few spellings, and a
 * look-up is cheaper than to check the characters of a name and convert it to lower case.
 */
const seen = new Map<string, FieldRule>();
const MAX_SEEN = 1_000;
/** Longest name that is remembered. Invented names may be as long as a header. */
const MAX_SEEN_NAME = 64;

/**
 * Reads the header of an answer.
 *
 * @param text status line and fields, latin1, without the empty line
 * @returns the header, or what is wrong with it, for people
 */
export function parseAnswerHead(text: string): AnswerHead | string {
  if (FORBIDDEN.test(text)) return "the header holds a control character or a bare line end";
  const end = lineEnd(text, 0);
  const statusLine = STATUS_LINE.exec(text.slice(0, end));
  if (statusLine === null) return "the status line is not HTTP/1.1";
  const head: AnswerHead = {
    status: Number(statusLine[2]),
    reason: statusLine[3] ?? "",
    minor: Number(statusLine[1]),
    fields: [],
    contentLength: undefined,
    chunked: false,
    trailer: undefined,
    connection: undefined,
    keepAlive: undefined,
  };
  const fault = readFields(text, end + 2, (rule, name, value) => rule(head, value, name)) ?? framingFault(head);
  if (fault !== undefined) return fault;
  if (head.fields.length > 2 * MAX_FIELDS) return `the header has more than ${MAX_FIELDS} fields`;
  head.fields = dropNamedByConnection(head.fields, head.connection, (name) => PROTECTED.has(name));
  // RFC 9110 §8.6: a 204 has no Content-Length. If the destination sent one, some clients would
  // wait for a body.
  if (head.status === 204 && head.contentLength !== undefined) head.fields = without(head.fields, CONTENT_LENGTH);
  return head;
}

/**
 * Reads the trailer section of an answer.
 *
 * @param text fields, latin1, without the empty line
 * @returns pairs of name and value, without fields that may not be trailers; or what is wrong, for
 * people
 */
export function parseTrailers(text: string): [string, string][] | string {
  if (FORBIDDEN.test(text)) return "the trailers hold a control character or a bare line end";
  const trailers: [string, string][] = [];
  const fault = readFields(text, 0, (_rule, name, value) => {
    if (!NEVER_AN_ANSWER_TRAILER.has(name.toLowerCase())) trailers.push([name, value]);
    return undefined;
  });
  return fault ?? trailers;
}

/**
 * Whether the header allows another request on the connection after this answer (RFC 9112 §9.3).
 */
export function isPersistent({ minor, connection: options }: AnswerHead): boolean {
  if (options === undefined) return minor === 1;
  const lower = options.toLowerCase();
  if (lower === "keep-alive") return true;
  const tokens = lower.split(",").map((option) => option.trim());
  return !tokens.includes("close") && (minor === 1 || tokens.includes("keep-alive"));
}

function readFields(
  text: string,
  from: number,
  take: (rule: FieldRule, name: string, value: string) => string | undefined,
): string | undefined {
  let at = from;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon > end) return "a header line has no colon";
    const name = text.slice(at, colon);
    const rule = seen.get(name) ?? ruleOf(name);
    if (rule === undefined) return "a header field's name is not a token";
    const fault = take(rule, name, trimmed(text, colon + 1, end));
    if (fault !== undefined) return fault;
    at = end + 2;
  }
  return undefined;
}

function ruleOf(name: string): FieldRule | undefined {
  if (!TOKEN.test(name)) return undefined;
  const rule = RULES.get(name.toLowerCase()) ?? forward;
  if (seen.size < MAX_SEEN && name.length <= MAX_SEEN_NAME) seen.set(name, rule);
  return rule;
}

function framingFault({ chunked, contentLength: length, minor }: AnswerHead): string | undefined {
  if (!chunked) return undefined;
  // RFC 9112 §6.1: both together indicate request smuggling, and a coding in HTTP/1.0 faulty
  // framing.
  if (length !== undefined) return "Content-Length and Transfer-Encoding stand together";
  return minor === 0 ? "Transfer-Encoding in HTTP/1.0" : undefined;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\r\n", from);
  return end === -1 ? text.length : end;
}

/** The part of a text without the spaces and tabs around it (RFC 9110 §5.5). */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
