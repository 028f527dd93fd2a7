/**
 * A reader of HTTP/1.1 requests that takes only what every recipient reads alike. It is the tests'
 * own and shares nothing with the proxy: what it takes is safe to forward, whatever stands behind.
 */

export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  /** Names in lower case, in the order of arrival. */
  readonly fields: readonly (readonly [string, string])[];
  /** Content, with chunks joined. */
  readonly body: string;
  /** Position after the request. */
  readonly end: number;
}

/** Why bytes are no request: a fault in words, or that more must follow. */
export type NoRequest = { readonly fault: string } | "incomplete";

export interface StrictOptions {
  /**
   * Whether to take what a client may say and a proxy towards its destination need not: HTTP/1.0,
   * chunk extensions, empty lines before the request (RFC 9112 §2.2), several spaces in its line
   * (§3), and fields that it refuses or drops for another reason than its framing.
   */
  readonly fromClient?: boolean;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
/** RFC 9112 §3, with one space each and nothing but visible ASCII in the target. */
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([01])$`);
const LENIENT_REQUEST_LINE = new RegExp(`^(${TOKEN}) +([\\x21-\\x7e]+) +HTTP/1\\.([01])$`);
/** RFC 9112 §5: no space before the colon, and a value without control bytes. */
const FIELD_LINE = new RegExp(
  `^(${TOKEN}):[ \\t]*((?:[\\x21-\\x7e\\x80-\\xff](?:[\\x20-\\x7e\\x80-\\xff\\t]*[\\x21-\\x7e\\x80-\\xff])?)?)[ \\t]*$`,
);
/** RFC 3986 §3.2.2, without user information and with no byte that needs quoting. */
const AUTHORITY = /^(?:[0-9A-Za-z._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})$/;
/** What an extension says changes nothing; that it ends with the line does. */
const CHUNK_SIZE_AND_EXTENSIONS = /^([0-9A-Fa-f]{1,12})(?:;[\x20-\x7e\x80-\xff\t]*)?$/;
/** Fields that frame or route, which RFC 9110 §6.5.1 keeps out of trailers. */
const FRAMING = new Set(["content-length", "transfer-encoding"]);
const NEVER_IN_TRAILERS = new Set([...FRAMING, "host", "connection"]);

/** Reads the request that begins at `from`. Text is latin1: one character a byte. */
export function readStrictRequest(text: string, from: number, options: StrictOptions = {}): StrictRequest | NoRequest {
  const start = options.fromClient === true ? afterEmptyLines(text, from) : from;
  const head = readLines(text, start);
  if (!Array.isArray(head.lines)) return head.lines;
  const [first = "", ...rest] = head.lines;
  const line = options.fromClient === true ? LENIENT_REQUEST_LINE : REQUEST_LINE;
  const [, method = "", target = "", minor] = line.exec(first) ?? [];
  if (minor === undefined) return { fault: `request line ${JSON.stringify(first)}` };
  if (minor === "0" && options.fromClient !== true) return { fault: "HTTP/1.0" };
  const fields = readFields(rest);
  if (!Array.isArray(fields)) return fields;
  const fault = framingFault(fields, minor) ?? (options.fromClient === true ? undefined : hostFault(fields));
  if (fault !== undefined) return { fault };
  const body = readBody(text, head.end, fields, options);
  return typeof body === "string" || "fault" in body ? body : { method, target, fields, ...body };
}

/**
 * Reads one request after the other.
 *
 * @returns what they are, and what stands at the end: undefined when it is the end
 */
export function readStrictRequests(text: string, options: StrictOptions = {}): { requests: StrictRequest[]; rest: NoRequest | undefined } {
  const requests: StrictRequest[] = [];
  let at = 0;
  while (at < text.length) {
    const request = readStrictRequest(text, at, options);
    if (request === "incomplete" || "fault" in request) return { requests, rest: request };
    requests.push(request);
    at = request.end;
  }
  return { requests, rest: undefined };
}

/** Whatever ends them: between two requests nothing depends on it. */
function afterEmptyLines(text: string, from: number): number {
  let at = from;
  while (text[at] === "\r" || text[at] === "\n") at += 1;
  return at;
}

/**
 * The lines up to an empty one. A line ends with CRLF; a CR or LF by itself is a fault at once,
 * whatever follows.
 */
function readLines(text: string, from: number): { lines: string[] | NoRequest; end: number } {
  const lines: string[] = [];
  for (let at = from; ; ) {
    const end = text.indexOf("\r\n", at);
    const line = text.slice(at, end === -1 ? undefined : end);
    // A CR at the very end may be the first half of a CRLF.
    if (/[\r\n]/.test(end === -1 ? line.replace(/\r$/, "") : line)) return { lines: { fault: "a CR or LF by itself" }, end: at };
    if (end === -1) return { lines: "incomplete", end: at };
    at = end + 2;
    if (line === "") return { lines, end: at };
    lines.push(line);
  }
}

function readFields(lines: readonly string[]): [string, string][] | { fault: string } {
  const fields: [string, string][] = [];
  for (const line of lines) {
    const [, name, value = ""] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined) return { fault: `field line ${JSON.stringify(line)}` };
    fields.push([name.toLowerCase(), value]);
  }
  return fields;
}

function valuesOf(fields: readonly (readonly [string, string])[], name: string): string[] {
  return fields.filter(([candidate]) => candidate === name).map(([, value]) => value);
}

function hostFault(fields: readonly (readonly [string, string])[]): string | undefined {
  const [host, ...more] = valuesOf(fields, "host");
  if (host === undefined || more.length > 0) return "not exactly one Host";
  return AUTHORITY.test(host) ? undefined : `Host ${JSON.stringify(host)}`;
}

/** RFC 9112 §6: one length or one coding, and the coding is `chunked`. */
function framingFault(fields: readonly (readonly [string, string])[], minor: string): string | undefined {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  const named = connectionFault(fields);
  if (named !== undefined) return named;
  if (lengths.length + codings.length > 1) return "framed twice";
  if (lengths[0] !== undefined && !/^[0-9]{1,15}$/.test(lengths[0])) return `Content-Length ${JSON.stringify(lengths[0])}`;
  if (codings[0] === undefined) return undefined;
  return codings[0].toLowerCase() === "chunked" && minor === "1" ? undefined : `Transfer-Encoding ${JSON.stringify(codings[0])}`;
}

/**
 * RFC 9110 §7.6.1: a recipient that does what it says would remove what frames or routes the
 * request.
 */
function connectionFault(fields: readonly (readonly [string, string])[]): string | undefined {
  const named = valuesOf(fields, "connection")
    .join(",")
    .toLowerCase()
    .split(/[, \t]+/);
  return named.some((name) => NEVER_IN_TRAILERS.has(name)) ? "Connection names a field that frames or routes" : undefined;
}

type Body = { readonly body: string; readonly end: number };

function readBody(text: string, from: number, fields: readonly (readonly [string, string])[], options: StrictOptions): Body | NoRequest {
  if (valuesOf(fields, "transfer-encoding").length > 0) return readChunks(text, from, options);
  const end = from + Number(valuesOf(fields, "content-length")[0] ?? 0);
  return end > text.length ? "incomplete" : { body: text.slice(from, end), end };
}

/** RFC 9112 §7.1 */
function readChunks(text: string, from: number, { fromClient = false }: StrictOptions): Body | NoRequest {
  const sizeLine = fromClient ? CHUNK_SIZE_AND_EXTENSIONS : CHUNK_SIZE;
  let body = "";
  for (let at = from; ; ) {
    const chunk = readChunk(text, at, sizeLine);
    if (chunk === "incomplete" || "fault" in chunk) return chunk;
    at = chunk.end;
    if (chunk.body === undefined) return readTrailers(text, at, body, fromClient ? FRAMING : NEVER_IN_TRAILERS);
    body += chunk.body;
  }
}

/** @returns for the last chunk no body, and the position after its size line */
function readChunk(text: string, from: number, sizeLine: RegExp): { body: string | undefined; end: number } | NoRequest {
  const lineEnd = text.indexOf("\r\n", from);
  if (lineEnd === -1) return unfinishedSize(text.slice(from)) ? "incomplete" : { fault: "chunk size" };
  const size = sizeLine.exec(text.slice(from, lineEnd))?.[1];
  if (size === undefined) return { fault: `chunk size ${JSON.stringify(text.slice(from, lineEnd))}` };
  const start = lineEnd + 2;
  const end = start + Number.parseInt(size, 16);
  if (end === start) return { body: undefined, end };
  if (!"\r\n".startsWith(text.slice(end, end + 2))) return { fault: "no CRLF after a chunk" };
  return end + 2 > text.length ? "incomplete" : { body: text.slice(start, end), end: end + 2 };
}

/**
 * Whether this may be the beginning of the line of a chunk's size: its digits, or the extensions
 * behind them.
 */
function unfinishedSize(text: string): boolean {
  return /^(?:[0-9A-Fa-f]{0,12}|[0-9A-Fa-f]{1,12}[ \t]*;[^\r\n]*)\r?$/.test(text);
}

function readTrailers(text: string, from: number, body: string, forbiddenNames: ReadonlySet<string>): Body | NoRequest {
  const { lines, end } = readLines(text, from);
  if (!Array.isArray(lines)) return lines;
  const trailers = readFields(lines);
  if (!Array.isArray(trailers)) return trailers;
  const forbidden = trailers.find(([name]) => forbiddenNames.has(name));
  return forbidden === undefined ? { body, end } : { fault: `${forbidden[0]} in the trailers` };
}
