/**
 * Finds the end of an answer's header that arrives in pieces, or has lines without CRLF, and
 * detects early when it is not HTTP.
 *
 * A line may end with LF alone: RFC 9112 §2.2 allows a recipient to accept it, small servers and
 * CGI scripts write it, and Envoy 1.40 accepts any mixture. A CR without LF is a fault.
 */

const LF = 0x0a;
const CR = 0x0d;
/**
 * An answer up to its status. There may be several blanks: RFC 9112 §4 allows to split at them, and
 * Envoy does.
 */
const STATUS = /^HTTP\/1\.[01][ \t]+[1-9]\d\d[ \t\r\n]/;
/** A beginning of that. */
const BEFORE_STATUS = /^(?:H|HT|HTT|HTTP|HTTP\/|HTTP\/1|HTTP\/1\.|HTTP\/1\.[01]|HTTP\/1\.[01][ \t]+(?:[1-9]\d{0,2})?)$/;
/** Bytes within which the status must have arrived. */
const MAX_BEFORE_STATUS = 64;
/** What else a header must not contain. */
const FORBIDDEN = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]/;
/** A line fold, except for the blanks before it. */
const FOLD = /\r\n[ \t]+/;
/**
 * Bytes that the log shows of something that is not an answer: enough to recognize an SSH server.
 */
const TOLD = 24;

/**
 * @param kept the header from its first byte on, perhaps with bytes after it
 * @param from number of bytes that were searched already
 * @returns the position after the empty line; undefined if there is none yet
 */
export function endOfHead(kept: Buffer, from: number): number | undefined {
  // A line end may be split between two pieces.
  for (let at = kept.indexOf(LF, Math.max(0, from - 2)); at !== -1; at = kept.indexOf(LF, at + 1)) {
    if (kept[at + 1] === LF) return at + 2;
    if (kept[at + 1] === CR && kept[at + 2] === LF) return at + 3;
  }
  return undefined;
}

/** A header with CRLF at the end of each line. */
export function withFullLineEnds(head: string): string {
  return head.replace(/\r?\n/g, "\r\n");
}

/**
 * A header without folded lines: each fold becomes a blank, as RFC 9112 §5.2 allows a proxy and
 * Envoy 1.40 does (T-48). A line that begins with a blank directly after the status line continues
 * nothing (§2.2), so it stays, and the parser refuses it.
 *
 * @param head with CRLF at the end of each line
 */
export function withoutFolds(head: string): string {
  const end = head.indexOf("\r\n") + 2;
  return end === 1 ? head : head.slice(0, end) + withoutFoldsOf(head.slice(end));
}

/** The same for fields only, as in a trailer section. */
export function withoutFoldsOf(fields: string): string {
  if (fields.startsWith(" ") || fields.startsWith("\t")) return fields;
  const parts = fields.split(FOLD);
  const last = parts.length - 1;
  return parts.map((part, at) => (at < last ? withoutBlanksBehind(part) : part)).join(" ");
}

/**
 * Written by hand: a regular expression tries each blank as the first one, and 64 KiB of them took
 * seconds.
 */
function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === " " || text[end - 1] === "\t")) end -= 1;
  return text.slice(0, end);
}

/**
 * Checks an incomplete header. A server with another protocol (SSH, SMTP, MySQL, TLS, HTTP/2) never
 * sends a complete one: it waits for its client.
 *
 * @param kept as for {@link endOfHead}
 * @param from number of bytes that were checked already
 * @param end where the header ends, if that is known
 * @returns what is wrong with it, for people
 */
export function faultOfBeginning(kept: Buffer, from: number, end: number | undefined): string | undefined {
  const to = end ?? kept.length;
  if (from < MAX_BEFORE_STATUS && !beginsAnswer(kept.toString("latin1", 0, Math.min(to, MAX_BEFORE_STATUS)))) {
    return `the answer is not HTTP/1.1, it begins with ${JSON.stringify(kept.toString("latin1", 0, Math.min(kept.length, TOLD)))}`;
  }
  const text = kept.toString("latin1", Math.max(0, from - 1), to);
  return FORBIDDEN.test(text) ? "the header holds a control character or a CR that no LF follows" : undefined;
}

/** @param beginning everything so far, or as many bytes as must contain the status */
function beginsAnswer(beginning: string): boolean {
  return STATUS.test(beginning) || (beginning.length < MAX_BEFORE_STATUS && BEFORE_STATUS.test(beginning));
}
