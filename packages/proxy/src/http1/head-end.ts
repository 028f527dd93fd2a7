/**
 * Finds the end of an answer's header that does not come in one piece with CRLF at the end of each
 * line, and tells early when it is no HTTP.
 *
 * A line may end with LF alone: RFC 9112 §2.2 allows a recipient to take it, small servers and CGI
 * scripts write it, and Envoy 1.40 takes it in any mixture. A CR that no LF follows is a fault.
 */

const LF = 0x0a;
const CR = 0x0d;
/**
 * An answer up to its status. Blanks may be several: RFC 9112 §4 allows to go by words, and Envoy
 * does.
 */
const STATUS = /^HTTP\/1\.[01][ \t]+[1-9]\d\d[ \t\r\n]/;
/** What may become that. */
const BEFORE_STATUS = /^(?:H|HT|HTT|HTTP|HTTP\/|HTTP\/1|HTTP\/1\.|HTTP\/1\.[01]|HTTP\/1\.[01][ \t]+(?:[1-9]\d{0,2})?)$/;
/** Bytes within which the status must have come. */
const MAX_BEFORE_STATUS = 64;
/** What else may not stand in a header. */
const FORBIDDEN = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]/;
/** What continues a field in the next line, except for the blanks before it. */
const FOLD = /\r\n[ \t]+/;
/**
 * Bytes of what came instead of an answer that are told, for the log: enough to know an SSH server
 * by.
 */
const TOLD = 24;

/**
 * @param kept the header from its first byte on, and maybe what follows it
 * @param from bytes of it in which there was no end
 * @returns the position behind the empty line, undefined if it is not there
 */
export function endOfHead(kept: Buffer, from: number): number | undefined {
  // The end of a line may have been the last that came.
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
 * A header without folded lines: each fold is a blank, as RFC 9112 §5.2 has it of a proxy and Envoy
 * 1.40 does (T-48). A line that begins with a blank right behind the status line continues nothing
 * (§2.2), and stays for the parser to refuse.
 *
 * @param head with CRLF at the end of each line
 */
export function withoutFolds(head: string): string {
  const end = head.indexOf("\r\n") + 2;
  return end === 1 ? head : head.slice(0, end) + withoutFoldsOf(head.slice(end));
}

/** The same for fields alone, as in a trailer section. */
export function withoutFoldsOf(fields: string): string {
  if (fields.startsWith(" ") || fields.startsWith("\t")) return fields;
  const parts = fields.split(FOLD);
  const last = parts.length - 1;
  return parts.map((part, at) => (at < last ? withoutBlanksBehind(part) : part)).join(" ");
}

/**
 * By hand: an expression for blanks that something must follow tries each of them as the first one,
 * and 64 KiB of them took seconds.
 */
function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === " " || text[end - 1] === "\t")) end -= 1;
  return text.slice(0, end);
}

/**
 * Judges what is there of a header before all of it is, since from a server that speaks something
 * else (SSH, SMTP, MySQL, TLS, HTTP/2) no header ever comes: it waits for its client to go on.
 *
 * @param kept as for {@link endOfHead}
 * @param from bytes of it that were judged already
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

/** @param beginning all that is there, or as many bytes as must hold the status */
function beginsAnswer(beginning: string): boolean {
  return STATUS.test(beginning) || (beginning.length < MAX_BEFORE_STATUS && BEFORE_STATUS.test(beginning));
}
