import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Refusal } from "../refusals/refusal.ts";

/**
 * node:http's error for bytes that are not a request, or for a request that does not arrive in
 * time.
 */
export interface ParserError extends NodeJS.ErrnoException {
  /** llhttp's description of the fault. It does not quote what was sent. */
  readonly reason?: string;
  /** The piece with the fault, and how many bytes of it were read before. */
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

const HEADER_TOO_LARGE = new Refusal("HEADER_TOO_LARGE", "the request's header is too large");
const TIMED_OUT = new Refusal("REQUEST_TIMED_OUT", "the request's header did not arrive in time");
const METHOD_UNKNOWN = new Refusal("METHOD_UNKNOWN", "the method is none of those that the proxy's parser knows");

/** node:http's code for a header that does not arrive in time. */
export const HEADER_OVERDUE = "ERR_HTTP_REQUEST_TIMEOUT";

/** A request line with a method that may be any token (RFC 9110 §9.1). */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\s]+ HTTP\/1\.[01]\r?\n/;
/**
 * Characters of a request line that are checked. If the target is longer, the method is not
 * reported.
 */
const MAX_LINE = 8 * 1024;

/**
 * The refusal for an error of node:http's parser or of its timeouts. For wrong bytes it names the
 * rule that they break.
 */
export function refusalOfParser(error: ParserError): Refusal {
  if (error.code === "HPE_HEADER_OVERFLOW") return HEADER_TOO_LARGE;
  if (error.code === HEADER_OVERDUE) return TIMED_OUT;
  if (error.code === "HPE_INVALID_METHOD" && hasUnknownMethod(error)) return METHOD_UNKNOWN;
  return new Refusal("REQUEST_MALFORMED", `the request does not follow HTTP/1.1: ${reasonOf(error)}`);
}

/**
 * Refuses bytes that never become a request, as if node:http had found the fault.
 *
 * @param code node:http's code for the same fault
 */
export function failBeforeRequest(server: Server, socket: Socket, code: string, message: string): void {
  server.emit("clientError", Object.assign(new Error(message), { code }), socket);
}

/** What is wrong, for the log: the parser's code and description. */
export function causeOf(error: ParserError): string {
  return `${error.code ?? "unknown"}: ${reasonOf(error)}`;
}

function reasonOf({ reason, message }: ParserError): string {
  return reason ?? message;
}

/**
 * Whether the line is a request line anyway. llhttp knows only registered methods. A request with
 * another one is valid, and gets 501 (RFC 9110 §9.1). It cannot be forwarded: the parser stops in
 * the middle of the method, so nothing of the request is known.
 */
function hasUnknownMethod({ rawPacket, bytesParsed = 0 }: ParserError): boolean {
  if (rawPacket === undefined) return false;
  const start = rawPacket.lastIndexOf("\n", Math.max(0, bytesParsed - 1)) + 1;
  return REQUEST_LINE.test(rawPacket.toString("latin1", start, start + MAX_LINE));
}
